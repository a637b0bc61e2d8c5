"""Faults: what is broken on purpose, what must hold all the same, and what shows that each test can fail.

`make test` runs the short forms, `make faults` everything. Here, by the number that each fault has: what is done, the
tests of what must hold, after `without` the negative controls, the same fault with a protection taken away, and after
`long` what only `make faults` runs. A test that stands elsewhere has its folder with it.

F1   the publisher killed at random moments
     test_killed_publisher: test_a_killed_publisher_tears_and_loses_nothing
     test_once_killed: test_a_killed_run_leaves_nothing_or_everything_and_the_next_works
     without test_killed_publisher: test_without_transactions_the_same_kills_tear_runs
     long test_killed_publisher: test_a_publisher_killed_two_hundred_times_tears_and_loses_nothing
F2   a kill or a driver's error at every statement of claim and publication
     test_crash_points: test_a_kill_at_every_statement_leaves_one_whole_run_once_another_has_taken_over
     test_crash_points: test_a_driver_error_at_every_statement_leaves_one_whole_run_once_another_has_taken_over
     without test_crash_points: test_without_transactions_a_kill_at_every_statement_tears_a_run
F3   system calls that fail, or end the process there
     test_failing_calls: test_a_system_call_that_fails_tears_nothing
     long test_failing_calls: test_whichever_of_the_first_twelve_calls_fails_nothing_is_torn
     long without test_failing_calls: test_without_transactions_a_process_that_ends_at_a_write_tears_a_run
F4   several schedulers, the leader killed; on Postgres in the short form, on SQLite in the long one
     test_schedulers: test_when_the_leader_is_killed_another_schedule_takes_over_within_one_slot
     without test_schedulers: test_schedules_that_grant_every_claim_publish_slots_twice
     long test_schedulers: test_of_two_schedules_the_leader_is_killed_again_and_again
     long test_schedulers: test_of_three_schedules_the_leader_is_killed_again_and_again
     long test_killed_publisher: test_of_two_publishers_one_is_killed_again_and_again_and_no_slot_is_lost
F5   a holder stopped past its lease that goes on later
     test_stopped_holder: test_a_late_publication_is_refused_twenty_times_of_twenty
     test_stopped_holder: test_of_three_holders_only_the_last_publishes
     test_stopped_holder: test_stopped_at_random_moments_two_processes_publish_each_slot_once
     without test_stopped_holder: test_without_the_fence_the_late_publication_gets_through
     long test_stopped_holder: test_stopped_at_many_random_moments_three_processes_publish_each_slot_once
     long test_schedulers: test_a_schedule_that_was_stopped_past_its_lease_does_not_publish
F6   the answer to a COMMIT lost
     test_lost_answers: test_a_run_whose_commit_got_no_answer_counts_as_published
     test_lost_answers: test_a_run_whose_commit_never_arrived_counts_as_failed_and_works_when_tried_again
     without test_lost_answers: test_a_publisher_that_does_not_look_takes_a_published_run_for_a_failed_one
F7   named points of the job, each with a kill, SIGTERM and an error; on Postgres only the kill is short
     test_crash_points: test_a_job_struck_at_a_named_point_has_exactly_one_run_after_it_is_started_again
     without test_crash_points: test_without_transactions_a_kill_at_every_statement_tears_a_run
F8   a write-ahead log cut or overwritten: 40 cases, 800 in the long form
     test_damaged_files: test_a_journal_with_a_torn_tail_keeps_whole_runs_only
     without test_damaged_files: test_without_transactions_a_journal_with_a_torn_tail_keeps_parts_of_runs
F9   bits that flip: 40, 500 in the long form; any single cell changed
     test_damaged_files: test_a_flipped_bit_that_changes_what_is_published_is_found
     test_tampered_cells: test_a_change_of_any_column_is_found
     without test_damaged_files: test_a_flipped_bit_that_sqlite_does_not_see_is_found_by_the_digests_alone
     without test_tampered_cells: test_where_what_is_in_the_row_is_not_digested_the_changes_are_missed
     long test_tampered_cells: test_five_hundred_random_changes_are_found
F10  a full disk
     test_outages: test_a_disk_that_is_full_fails_the_run_and_nothing_else
     test_outages: test_a_file_that_may_not_grow_fails_the_run_and_nothing_else
     without test_outages: test_without_transactions_a_file_that_may_not_grow_tears_a_run
F11  SQLite's WAL-reset bug; the control shows the mode that would be used, for the damage itself comes by chance
     test_checkpoints: test_a_sqlite_with_the_wal_reset_bug_is_not_used_with_a_write_ahead_log
     without test_checkpoints: test_a_store_on_such_a_sqlite_writes_no_such_log_unless_the_version_is_not_looked_at
     long test_checkpoints: test_a_writer_beside_endless_checkpoints_keeps_the_file_whole
F12  the server started again, cleanly (short) and after a crash (long)
     test_outages: test_the_schedule_outlives_a_postgres_that_is_stopped_and_started
     long test_restarted_server: test_no_read_fails_once_the_server_is_back
     long without test_restarted_server: test_where_connections_are_not_tried_before_use_reads_fail
F13  a database that refuses for a while, or is not there yet
     test_postgres_not_ready: test_a_schedule_that_is_started_before_its_database_waits_for_it
     test_postgres_not_ready: test_a_schedule_that_waits_for_its_database_ends_on_a_signal
     test_postgres_not_ready: test_readers_leave_room_on_a_server_for_the_service
     test_ticks: test_slots_for_which_the_database_refused_are_missed_and_the_next_is_published
     test_ticks: test_of_more_missed_slots_than_one_transaction_takes_all_are_recorded
     test_ticks: test_missed_slots_that_were_recorded_in_part_are_all_recorded_by_the_next_tick
     test_ticks: test_slots_missed_before_a_person_helped_out_are_recorded_by_the_schedule_that_comes_back
     test_ticks: test_what_a_backfill_left_out_before_the_first_schedule_was_not_missed
     test_ticks: test_a_slot_that_is_caught_up_on_is_a_backfill_and_the_newest_is_none
     test_outages: test_the_schedule_outlives_a_writer_that_locks_sqlite_for_longer_than_the_timeout
     test_outages: test_a_publication_waits_for_a_writer_that_is_done_before_the_timeout
     without test_ticks: test_where_missed_slots_are_not_noted_they_leave_no_trace
     without test_ticks: test_a_schedule_whose_thread_dies_with_its_jobs_ends_instead_of_standing_still
F14  a run that hangs; its control is that a run with a deadline far away still hangs when the second signal comes
     integration/test_schedule: test_a_run_that_hangs_is_ended_at_its_deadline_and_the_schedule_goes_on
     without integration/test_schedule: test_a_second_signal_ends_the_run_as_well
F15  SIGTERM while a run is computed, and a second one
     integration/test_schedule: test_sigterm_lets_the_run_that_has_begun_finish
     integration/test_schedule: test_a_second_signal_ends_the_run_as_well
     long test_schedulers: test_twenty_times_told_to_stop_at_any_moment_it_stops_well
     long without test_schedulers: test_where_a_run_does_not_ignore_the_signal_it_is_lost
F16  clocks that jump: the database's and the host's, by up to 174 years
     test_clock: test_after_every_jump_of_the_clock_there_is_at_most_one_run_and_none_twice
     test_clock: test_a_clock_in_the_year_2200_computes_nothing_and_the_slots_of_today_still_work
     test_host_clock: test_a_running_schedule_goes_on_after_every_jump_and_its_memory_does_not_grow
     without test_clock: test_where_every_claim_is_granted_a_clock_that_goes_back_doubles_a_slot
     without test_host_clock: test_with_ticks_of_the_wall_clock_none_comes_after_it_went_back
     without test_host_clock: test_with_ticks_of_the_wall_clock_a_jump_of_years_fills_the_memory
F17  changes of the local clock, in six zones
     test_clock: test_slots_are_utc_across_every_change_of_the_local_clock
     test_clock: test_a_run_of_a_process_in_another_zone_is_stored_as_the_same_moment
     without test_clock: test_slots_of_the_local_clock_are_others
F18  readers beside commits
     test_readers: test_no_reader_sees_parts_of_two_runs_or_waits_for_a_writer
     test_readers: test_no_read_waits_for_a_writer_unless_writers_lock_readers_out
     without test_readers: test_without_transactions_a_reader_sees_half_a_run
     long test_readers: test_reads_beside_a_hundred_commits_are_as_quick_as_those_of_a_store_at_rest
F21  anything done in any order, against a model
     test_model: test_a_store_does_what_the_model_does
     without test_model: test_a_store_without_a_fence_does_not
     long test_model: test_a_store_does_what_the_model_does_for_long
F24  changes of what was published; the control is that with the triggers out of the way the change is made
     contract/test_trusted_history: test_a_published_row_cannot_be_updated
     contract/test_trusted_history: test_a_published_row_cannot_be_deleted
     contract/test_trusted_history: test_a_published_row_cannot_be_replaced
     contract/test_trusted_history: test_a_table_cannot_be_emptied_on_postgres
     contract/test_roles: test_nobody_deletes_or_truncates
     without contract/test_trusted_history: test_any_change_behind_the_triggers_is_found
F25  migrations up, down and up
     contract/test_migrations: test_migrations_and_tables_do_not_differ
     contract/test_migrations: test_down_and_up_again_works_with_data_in_it
     without contract/test_migrations: test_a_difference_would_be_seen
F26  a backup while runs go on
     contract/test_backup: test_a_backup_is_of_one_moment_while_runs_go_on
     contract/test_backup: test_a_backup_restored_into_an_empty_store_goes_on_where_it_was
     without contract/test_backup: test_a_backup_of_a_changed_history_is_refused_and_leaves_no_file
F28  a password in every error path
     test_secrets: test_a_store_that_cannot_be_reached_is_named_without_its_password
     test_secrets: test_a_store_url_that_cannot_be_used_is_not_repeated
     test_secrets: test_a_source_that_cannot_be_reached_is_recorded_without_its_password
     test_secrets: test_a_store_that_run_waits_for_is_named_without_its_password
     without test_secrets: test_the_password_would_be_seen_in_a_plain_url
F29  288 slots in fast time with kills; what is not recorded would be seen, as F13 shows
     long test_schedulers: test_a_day_of_slots_in_fast_time_with_kills_leaves_every_slot_recorded_and_nothing_grows
     without test_ticks: test_where_missed_slots_are_not_noted_they_leave_no_trace

Not here: F19 (a router's cache) is with the client's tests, F20 (the time of a read) with the benchmarks, F22 (the API)
and F23 (input of any kind) with the tests of what they are about. F27, mutation of the code, has no test: the two tools
that are kept up, mutmut and cosmic-ray, install six and ten more packages, a framework for screens and a client of Git
among them. Each fault's own control says instead that a missing protection is seen.
"""
