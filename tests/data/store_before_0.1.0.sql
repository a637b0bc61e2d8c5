BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE policy_breaker (
	run_id INTEGER NOT NULL, 
	symbol TEXT NOT NULL, 
	rule_set TEXT NOT NULL, 
	state_before TEXT, 
	miss_run INTEGER NOT NULL, 
	start_count INTEGER NOT NULL, 
	miss_count INTEGER NOT NULL, 
	reject_run INTEGER NOT NULL, 
	probe_count INTEGER NOT NULL, 
	probe_filled_count INTEGER NOT NULL, 
	last_probe_at TEXT, 
	pool_miss_run INTEGER NOT NULL, 
	pool_start_count INTEGER NOT NULL, 
	pool_miss_count INTEGER NOT NULL, 
	pool_probe_count INTEGER NOT NULL, 
	pool_probe_filled_count INTEGER NOT NULL, 
	pool_last_probe_at TEXT, 
	fee_gap_bps REAL, 
	is_one_tick INTEGER, 
	opened_at TEXT, 
	restarted_at TEXT, 
	pool_opened_at TEXT, 
	pool_restarted_at TEXT, 
	label TEXT NOT NULL, 
	next_label TEXT NOT NULL, 
	next_label_count INTEGER NOT NULL, 
	CONSTRAINT pk_policy_breaker PRIMARY KEY (run_id, symbol, rule_set), 
	CONSTRAINT ck_policy_breaker_ck_policy_breaker_label_known CHECK (label in ('good', 'ok', 'degraded', 'broken')), 
	CONSTRAINT ck_policy_breaker_ck_policy_breaker_next_label_known CHECK (next_label in ('good', 'ok', 'degraded', 'broken')), 
	CONSTRAINT ck_policy_breaker_ck_policy_breaker_fee_gap_bps_finite CHECK (fee_gap_bps between -1e300 and 1e300), 
	CONSTRAINT fk_policy_breaker_run_id FOREIGN KEY(run_id) REFERENCES policy_run (run_id)
)
 STRICT

;
INSERT INTO "policy_breaker" VALUES(1,'BTCUSDT','breaker',NULL,0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'good','good',0);
INSERT INTO "policy_breaker" VALUES(1,'ETHUSDT','breaker',NULL,0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(2,'BTCUSDT','breaker','{"label":{"next_count":0,"next_quality":"good","quality":"good"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',6,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,'2026-04-26 01:00:00',NULL,NULL,NULL,'good','good',0);
INSERT INTO "policy_breaker" VALUES(2,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(3,'BTCUSDT','breaker','{"label":{"next_count":0,"next_quality":"good","quality":"good"},"own":{"opened_at":"2026-04-26T01:00:00+00:00","restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',6,40,2,0,1,0,'2026-04-26 01:30:00',0,40,2,0,0,NULL,NULL,NULL,'2026-04-26 01:00:00',NULL,NULL,NULL,'good','degraded',1);
INSERT INTO "policy_breaker" VALUES(3,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(4,'BTCUSDT','breaker','{"label":{"next_count":1,"next_quality":"degraded","quality":"good"},"own":{"opened_at":"2026-04-26T01:00:00+00:00","restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',6,40,2,0,1,0,'2026-04-26 01:30:00',0,40,2,0,0,NULL,NULL,NULL,'2026-04-26 01:00:00',NULL,NULL,NULL,'good','degraded',2);
INSERT INTO "policy_breaker" VALUES(4,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(5,'BTCUSDT','breaker','{"label":{"next_count":2,"next_quality":"degraded","quality":"good"},"own":{"opened_at":"2026-04-26T01:00:00+00:00","restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,2,1,'2026-04-26 04:00:00',0,40,2,0,0,NULL,NULL,NULL,NULL,'2026-04-26 05:00:00',NULL,NULL,'good','good',0);
INSERT INTO "policy_breaker" VALUES(5,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(6,'BTCUSDT','breaker','{"label":{"next_count":0,"next_quality":"good","quality":"good"},"own":{"opened_at":null,"restarted_at":"2026-04-26T05:00:00+00:00"},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,'2026-04-26 05:00:00',NULL,NULL,'good','good',0);
INSERT INTO "policy_breaker" VALUES(6,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(7,'BTCUSDT','breaker',NULL,0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,1,NULL,NULL,NULL,NULL,'good','good',0);
INSERT INTO "policy_breaker" VALUES(7,'ETHUSDT','breaker',NULL,0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,1,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(7,'BTCUSDT','breaker:calm',NULL,0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,1,NULL,NULL,NULL,NULL,'good','good',0);
INSERT INTO "policy_breaker" VALUES(7,'ETHUSDT','breaker:calm',NULL,0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,1,NULL,NULL,NULL,NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(8,'BTCUSDT','breaker','{"label":{"next_count":0,"next_quality":"good","quality":"good"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,3,0,0,NULL,12,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'good','degraded',1);
INSERT INTO "policy_breaker" VALUES(8,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,3,0,0,NULL,12,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(8,'BTCUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"good","quality":"good"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,3,0,0,NULL,12,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'good','degraded',1);
INSERT INTO "policy_breaker" VALUES(8,'ETHUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":null},"pool":{"opened_at":null,"restarted_at":null}}',0,40,2,3,0,0,NULL,12,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(9,'BTCUSDT','breaker','{"label":{"next_count":1,"next_quality":"degraded","quality":"good"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',6,40,2,4,1,0,'2026-04-26 01:30:00',0,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'good','degraded',2);
INSERT INTO "policy_breaker" VALUES(9,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',6,40,2,4,1,0,'2026-04-26 01:30:00',0,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(9,'BTCUSDT','breaker:calm','{"label":{"next_count":1,"next_quality":"degraded","quality":"good"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',6,40,2,4,1,0,'2026-04-26 01:30:00',0,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'degraded','degraded',0);
INSERT INTO "policy_breaker" VALUES(9,'ETHUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',6,40,2,4,1,0,'2026-04-26 01:30:00',0,40,2,0,0,NULL,0.25,0,'2026-04-26 08:00:00',NULL,'2026-04-26 08:00:00',NULL,'ok','ok',0);
INSERT INTO "policy_breaker" VALUES(10,'BTCUSDT','breaker','{"label":{"next_count":2,"next_quality":"degraded","quality":"good"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',0,40,2,0,2,1,'2026-04-26 04:00:00',0,40,2,1,1,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','degraded','degraded',0);
INSERT INTO "policy_breaker" VALUES(10,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',0,40,2,0,2,1,'2026-04-26 04:00:00',0,40,2,1,1,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','ok','ok',0);
INSERT INTO "policy_breaker" VALUES(10,'BTCUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"degraded","quality":"degraded"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',0,40,2,0,2,1,'2026-04-26 04:00:00',0,40,2,1,1,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','degraded','degraded',0);
INSERT INTO "policy_breaker" VALUES(10,'ETHUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null},"pool":{"opened_at":"2026-04-26T08:00:00+00:00","restarted_at":null}}',0,40,2,0,2,1,'2026-04-26 04:00:00',0,40,2,1,1,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','ok','ok',0);
INSERT INTO "policy_breaker" VALUES(11,'BTCUSDT','breaker','{"label":{"next_count":0,"next_quality":"degraded","quality":"degraded"},"own":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"},"pool":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','degraded','degraded',0);
INSERT INTO "policy_breaker" VALUES(11,'ETHUSDT','breaker','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"},"pool":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','ok','ok',0);
INSERT INTO "policy_breaker" VALUES(11,'BTCUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"degraded","quality":"degraded"},"own":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"},"pool":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','degraded','degraded',0);
INSERT INTO "policy_breaker" VALUES(11,'ETHUSDT','breaker:calm','{"label":{"next_count":0,"next_quality":"ok","quality":"ok"},"own":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"},"pool":{"opened_at":null,"restarted_at":"2026-04-26T10:00:00+00:00"}}',0,40,2,0,0,0,NULL,0,40,2,0,0,NULL,0.25,0,NULL,'2026-04-26 10:00:00',NULL,'2026-04-26 10:00:00','ok','ok',0);
CREATE TABLE policy_head (
	head_id INTEGER NOT NULL, 
	entry_id INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_policy_head PRIMARY KEY (head_id), 
	CONSTRAINT ck_policy_head_single CHECK (head_id = 1)
)
 STRICT

;
INSERT INTO "policy_head" VALUES(1,14,'39c399920a88c6940d4582a2e7db98c3546927c037b7ed7ef1fc4a7e75e9461b');
CREATE TABLE policy_override (
	entry_id INTEGER NOT NULL, 
	scope TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	maker_first INTEGER NOT NULL, 
	taker_bias TEXT NOT NULL, 
	author TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	from_at TEXT NOT NULL, 
	until_at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	previous_digest TEXT NOT NULL, 
	CONSTRAINT pk_policy_override PRIMARY KEY (entry_id), 
	CONSTRAINT ck_policy_override_ck_policy_override_taker_bias_known CHECK (taker_bias in ('prefer_maker', 'balanced', 'prefer_taker')), 
	CONSTRAINT ck_policy_override_ck_policy_override_lasts CHECK (from_at < until_at), 
	CONSTRAINT fk_policy_override_scope FOREIGN KEY(scope) REFERENCES policy_scope (scope)
)
 STRICT

;
INSERT INTO "policy_override" VALUES(12,'default','BTCUSDT',0,'prefer_taker','ann','maintenance','2026-11-27 05:53:18.050000','2026-11-27 07:53:18.050000','98cfc0a4315be431f263383e70657fee412bf12fc786088b2dc899a0c2a65bdf','b6b00d00e28d8b3072d6f3d07bca106c2cc2a49147a67d6995710af4d79242d9');
INSERT INTO "policy_override" VALUES(14,'default','ETHUSDT',1,'balanced','ben','a test','2026-11-27 05:53:18.055000','2027-09-23 05:53:18.055000','39c399920a88c6940d4582a2e7db98c3546927c037b7ed7ef1fc4a7e75e9461b','b21cf170ea141f9c8a35bece328406c435535c2222bf00c03016e13bd5b97422');
CREATE TABLE policy_override_end (
	entry_id INTEGER NOT NULL, 
	override_id INTEGER NOT NULL, 
	author TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	ended_at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	previous_digest TEXT NOT NULL, 
	CONSTRAINT pk_policy_override_end PRIMARY KEY (entry_id), 
	CONSTRAINT fk_policy_override_end_override_id FOREIGN KEY(override_id) REFERENCES policy_override (entry_id), 
	CONSTRAINT uq_policy_override_end_override_id UNIQUE (override_id)
)
 STRICT

;
INSERT INTO "policy_override_end" VALUES(13,12,'ann','it is over','2026-11-27 05:53:18.052000','b21cf170ea141f9c8a35bece328406c435535c2222bf00c03016e13bd5b97422','98cfc0a4315be431f263383e70657fee412bf12fc786088b2dc899a0c2a65bdf');
CREATE TABLE policy_prune (
	entry_id INTEGER NOT NULL, 
	through_entry_id INTEGER NOT NULL, 
	anchor_digest TEXT NOT NULL, 
	run_count INTEGER NOT NULL, 
	pruned_at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	previous_digest TEXT NOT NULL, 
	CONSTRAINT pk_policy_prune PRIMARY KEY (entry_id)
)
 STRICT

;
CREATE TABLE policy_reject (
	run_id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	reject_count INTEGER NOT NULL, 
	sample TEXT NOT NULL, 
	CONSTRAINT pk_policy_reject PRIMARY KEY (run_id, source, reason), 
	CONSTRAINT fk_policy_reject_run_id FOREIGN KEY(run_id) REFERENCES policy_run (run_id)
)
 STRICT

;
INSERT INTO "policy_reject" VALUES(1,'orders','zero_fill',3,'log.jsonl:7');
INSERT INTO "policy_reject" VALUES(2,'orders','zero_fill',3,'log.jsonl:7');
INSERT INTO "policy_reject" VALUES(3,'orders','zero_fill',3,'log.jsonl:7');
INSERT INTO "policy_reject" VALUES(4,'orders','zero_fill',3,'log.jsonl:7');
INSERT INTO "policy_reject" VALUES(5,'orders','zero_fill',3,'log.jsonl:7');
INSERT INTO "policy_reject" VALUES(6,'orders','zero_fill',3,'log.jsonl:7');
INSERT INTO "policy_reject" VALUES(7,'orders','zero_fill',2,'orders.jsonl:3');
INSERT INTO "policy_reject" VALUES(8,'orders','zero_fill',2,'orders.jsonl:3');
INSERT INTO "policy_reject" VALUES(9,'orders','zero_fill',2,'orders.jsonl:3');
INSERT INTO "policy_reject" VALUES(10,'orders','zero_fill',2,'orders.jsonl:3');
INSERT INTO "policy_reject" VALUES(11,'orders','zero_fill',2,'orders.jsonl:3');
CREATE TABLE policy_rule_set (
	digest TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	parameters TEXT NOT NULL, 
	CONSTRAINT pk_policy_rule_set PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO "policy_rule_set" VALUES('cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','seed',1,'{"broken_fallback_ratio":0.9,"broken_slip_q50_bps":20.0,"degraded_fallback_ratio":0.6,"degraded_slip_q50_bps":8.0,"good_fallback_ratio":0.4,"good_maker_fill_ratio":0.7,"good_slip_q50_bps":4.0,"max_bar_age_seconds":null}');
INSERT INTO "policy_rule_set" VALUES('75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def','breaker',1,'{"act_on_fee_gap":false,"broken_fallback_ratio":0.9,"broken_slip_q50_bps":20.0,"degraded_fallback_ratio":0.6,"degraded_slip_q50_bps":8.0,"good_fallback_ratio":0.4,"good_maker_fill_ratio":0.7,"good_slip_q50_bps":4.0,"highest_miss_ratio":0.8,"label_runs":3,"losing_fee_gap_bps":0.5,"low_variance":false,"lowest_miss_ratio":0.1,"max_bar_age_seconds":null,"min_attempts":20,"min_miss_run":3,"open_probability":0.001,"open_reject_run":2,"pool_probability":0.0001,"prior_misses":3.0,"prior_starts":6.0,"probe_after_hours":4.0,"probe_every":5,"wilson_z":1.28}');
INSERT INTO "policy_rule_set" VALUES('f5afff4170427d11d467443b9c43845cb2341bb8cf0af32cedce57ef2c285f21','breaker:calm',1,'{"act_on_fee_gap":true,"broken_fallback_ratio":0.9,"broken_slip_q50_bps":20.0,"degraded_fallback_ratio":0.6,"degraded_slip_q50_bps":8.0,"good_fallback_ratio":0.4,"good_maker_fill_ratio":0.7,"good_slip_q50_bps":4.0,"highest_miss_ratio":0.8,"label_runs":2,"losing_fee_gap_bps":0.5,"low_variance":true,"lowest_miss_ratio":0.1,"max_bar_age_seconds":null,"min_attempts":20,"min_miss_run":4,"open_probability":0.001,"open_reject_run":3,"pool_probability":0.0001,"prior_misses":3.0,"prior_starts":6.0,"probe_after_hours":4.0,"probe_every":5,"wilson_z":1.28}');
CREATE TABLE policy_run (
	run_id INTEGER NOT NULL, 
	scope TEXT NOT NULL, 
	slot TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	rule_set TEXT NOT NULL, 
	rule_set_digest TEXT NOT NULL, 
	engine TEXT NOT NULL, 
	code_version TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	started_at TEXT NOT NULL, 
	published_at TEXT NOT NULL, 
	symbol_count INTEGER NOT NULL, 
	event_count INTEGER NOT NULL, 
	reject_count INTEGER NOT NULL, 
	sources TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	previous_digest TEXT NOT NULL, shadows TEXT, 
	CONSTRAINT pk_policy_run PRIMARY KEY (run_id), 
	CONSTRAINT ck_policy_run_origin_known CHECK (origin in ('schedule', 'manual', 'backfill')), 
	CONSTRAINT fk_policy_run_rule_set_digest FOREIGN KEY(rule_set_digest) REFERENCES policy_rule_set (digest), 
	CONSTRAINT fk_policy_run_scope FOREIGN KEY(scope) REFERENCES policy_scope (scope), 
	CONSTRAINT uq_policy_run_previous_digest UNIQUE (previous_digest), 
	CONSTRAINT uq_policy_run_scope_slot UNIQUE (scope, slot)
)
 STRICT

;
INSERT INTO "policy_run" VALUES(1,'default','2026-04-26 00:00:00','schedule','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.005000',2,150,3,'{"orders":{"files":1}}','734b93b37ed4f16e95901123711a0ec32affc8f7980a0d203306be8cc8f73c61','','{"breaker":"75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def"}');
INSERT INTO "policy_run" VALUES(2,'default','2026-04-26 01:00:00','schedule','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.014000',2,150,3,'{"orders":{"files":1}}','254bb3d28baacdaddaad1730ddae5a662a63c9d744d0fa87cc0e35d519f91bba','734b93b37ed4f16e95901123711a0ec32affc8f7980a0d203306be8cc8f73c61','{"breaker":"75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def"}');
INSERT INTO "policy_run" VALUES(3,'default','2026-04-26 02:00:00','schedule','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.018000',2,150,3,'{"orders":{"files":1}}','e35969d1c9497f526d41ec80b74c0e7d5ebcbbe36385d69fbcdff906a320dcd3','254bb3d28baacdaddaad1730ddae5a662a63c9d744d0fa87cc0e35d519f91bba','{"breaker":"75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def"}');
INSERT INTO "policy_run" VALUES(4,'default','2026-04-26 03:00:00','schedule','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.021000',2,150,3,'{"orders":{"files":1}}','4a526f6acab6dee2043752b0805d539e9b6f57c55593e0b87d693f06da65d089','e35969d1c9497f526d41ec80b74c0e7d5ebcbbe36385d69fbcdff906a320dcd3','{"breaker":"75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def"}');
INSERT INTO "policy_run" VALUES(5,'default','2026-04-26 05:00:00','schedule','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.025000',2,150,3,'{"orders":{"files":1}}','ebb81db50ed52691a4a04f5ef5db573a476fb1521c814462dcc6f36236e06c32','4a526f6acab6dee2043752b0805d539e9b6f57c55593e0b87d693f06da65d089','{"breaker":"75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def"}');
INSERT INTO "policy_run" VALUES(6,'default','2026-04-26 06:00:00','schedule','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.028000',2,150,3,'{"orders":{"files":1}}','c17aa324ac6cddca0c34919cb0df36e19c8bb1ea294ed0aa79d2e78f811323bf','ebb81db50ed52691a4a04f5ef5db573a476fb1521c814462dcc6f36236e06c32','{"breaker":"75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def"}');
INSERT INTO "policy_run" VALUES(7,'default','2026-04-26 07:00:00','schedule','breaker','75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.032000',2,150,2,'{"orders":{"files":1}}','103be9c38da2b92f3ae8ae9113f05afb245e739b641f6214e310f3a446429e8b','c17aa324ac6cddca0c34919cb0df36e19c8bb1ea294ed0aa79d2e78f811323bf','{"breaker:calm":"f5afff4170427d11d467443b9c43845cb2341bb8cf0af32cedce57ef2c285f21"}');
INSERT INTO "policy_run" VALUES(8,'default','2026-04-26 08:00:00','schedule','breaker','75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.035000',2,150,2,'{"orders":{"files":1}}','241ff19386a9ee166a4da80d32a858e9c7f0da94dd44f8b6f36bab97f802bdfd','103be9c38da2b92f3ae8ae9113f05afb245e739b641f6214e310f3a446429e8b','{"breaker:calm":"f5afff4170427d11d467443b9c43845cb2341bb8cf0af32cedce57ef2c285f21"}');
INSERT INTO "policy_run" VALUES(9,'default','2026-04-26 09:00:00','schedule','breaker','75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.039000',2,150,2,'{"orders":{"files":1}}','64543284b1649baecb688fa8ca35d2739b142cc918d77e9e1d35cfbe37ee5d53','241ff19386a9ee166a4da80d32a858e9c7f0da94dd44f8b6f36bab97f802bdfd','{"breaker:calm":"f5afff4170427d11d467443b9c43845cb2341bb8cf0af32cedce57ef2c285f21"}');
INSERT INTO "policy_run" VALUES(10,'default','2026-04-26 10:00:00','schedule','breaker','75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.043000',2,150,2,'{"orders":{"files":1}}','9720309b0e693bf4c9a7990ee1618da0f96383098cf3a1c7cc1957eb4db1a30e','64543284b1649baecb688fa8ca35d2739b142cc918d77e9e1d35cfbe37ee5d53','{"breaker:calm":"f5afff4170427d11d467443b9c43845cb2341bb8cf0af32cedce57ef2c285f21"}');
INSERT INTO "policy_run" VALUES(11,'default','2026-04-26 11:00:00','schedule','breaker','75000849223ad6b0d7f1565c1021815fdcd34a9c9c9cf6fa9e4ef382802c6def','duckdb 2.0.0','0.1.0','host:1','2026-04-26 00:15:01','2026-11-27 05:53:18.047000',2,150,2,'{"orders":{"files":1}}','b6b00d00e28d8b3072d6f3d07bca106c2cc2a49147a67d6995710af4d79242d9','9720309b0e693bf4c9a7990ee1618da0f96383098cf3a1c7cc1957eb4db1a30e','{"breaker:calm":"f5afff4170427d11d467443b9c43845cb2341bb8cf0af32cedce57ef2c285f21"}');
CREATE TABLE policy_run_failure (
	scope TEXT NOT NULL, 
	slot TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	failed_at TEXT NOT NULL, 
	error TEXT NOT NULL, 
	CONSTRAINT pk_policy_run_failure PRIMARY KEY (scope, slot, fence)
)
 STRICT

;
INSERT INTO "policy_run_failure" VALUES('default','2026-04-26 12:00:00',1,'host:1','2026-11-27 05:53:18.057000','the source is gone');
CREATE TABLE policy_scope (
	scope TEXT NOT NULL, 
	CONSTRAINT pk_policy_scope PRIMARY KEY (scope)
)
 STRICT

;
INSERT INTO "policy_scope" VALUES('default');
CREATE TABLE policy_shadow (
	run_id INTEGER NOT NULL, 
	symbol TEXT NOT NULL, 
	rule_set TEXT NOT NULL, 
	maker_first INTEGER NOT NULL, 
	taker_bias TEXT NOT NULL, 
	quality TEXT NOT NULL, 
	regime TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	codes TEXT NOT NULL, 
	maker_offset_bps REAL NOT NULL, 
	probe_every INTEGER, 
	CONSTRAINT pk_policy_shadow PRIMARY KEY (run_id, symbol, rule_set), 
	CONSTRAINT ck_policy_shadow_ck_policy_shadow_taker_bias_known CHECK (taker_bias in ('prefer_maker', 'balanced', 'prefer_taker')), 
	CONSTRAINT ck_policy_shadow_ck_policy_shadow_quality_known CHECK (quality in ('good', 'ok', 'degraded', 'broken')), 
	CONSTRAINT ck_policy_shadow_ck_policy_shadow_regime_known CHECK (regime in ('quiet', 'normal', 'hot', 'panic', 'unknown')), 
	CONSTRAINT ck_policy_shadow_ck_policy_shadow_maker_offset_bps_finite CHECK (maker_offset_bps between -1e300 and 1e300), 
	CONSTRAINT fk_policy_shadow_run_id FOREIGN KEY(run_id) REFERENCES policy_run (run_id)
)
 STRICT

;
INSERT INTO "policy_shadow" VALUES(1,'BTCUSDT','breaker',1,'prefer_maker','good','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(1,'ETHUSDT','breaker',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(2,'BTCUSDT','breaker',0,'prefer_taker','good','normal','maker orders are held back but for probes; run of 6 misses, own miss ratio 0.1087, 0.1087^6 = 0.0000016 <= 0.001: the symbol''s breaker opened at 2026-04-26T01:00:00Z; volatility is normal','[{"code":"own_opened","threshold":null,"value":null},{"code":"own_miss_run","threshold":3,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,5);
INSERT INTO "policy_shadow" VALUES(2,'ETHUSDT','breaker',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(3,'BTCUSDT','breaker',0,'prefer_taker','good','normal','maker orders are held back but for probes; the symbol''s breaker is open since 2026-04-26T01:00:00Z; volatility is normal','[{"code":"own_open","threshold":null,"value":null},{"code":"own_miss_run","threshold":3,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"regime_normal","threshold":1.5,"value":1.0}]',4.0,5);
INSERT INTO "policy_shadow" VALUES(3,'ETHUSDT','breaker',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(4,'BTCUSDT','breaker',0,'prefer_taker','good','normal','maker orders are held back but for probes; the symbol''s breaker is open since 2026-04-26T01:00:00Z; volatility is normal','[{"code":"own_open","threshold":null,"value":null},{"code":"own_miss_run","threshold":3,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"regime_normal","threshold":1.5,"value":1.0}]',4.0,5);
INSERT INTO "policy_shadow" VALUES(4,'ETHUSDT','breaker',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(5,'BTCUSDT','breaker',1,'prefer_maker','good','normal','try maker first and wait the full time; the symbol''s breaker closed: a probe filled; volatility is normal','[{"code":"own_closed_by_probe","threshold":1,"value":1},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(5,'ETHUSDT','breaker',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(6,'BTCUSDT','breaker',1,'prefer_maker','good','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(6,'ETHUSDT','breaker',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(7,'BTCUSDT','breaker:calm',0,'prefer_taker','good','normal','go straight to taker: a maker fill saves 0.25 bps of fees, less than 0.5, where the spread is one tick; volatility is normal','[{"code":"fee_gap_loses","threshold":0.5,"value":0.25},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(7,'ETHUSDT','breaker:calm',0,'prefer_taker','ok','normal','go straight to taker: a maker fill saves 0.25 bps of fees, less than 0.5, where the spread is one tick; volatility is normal','[{"code":"fee_gap_loses","threshold":0.5,"value":0.25},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(8,'BTCUSDT','breaker:calm',0,'prefer_taker','good','normal','maker orders are held back but for probes; 3 post-only rejects in a row >= 3: the symbol''s breaker opened at 2026-04-26T08:00:00Z; run of 12 misses, pool miss ratio 0.1087, 0.1087^12 = 0 <= 0.0001: the scope''s breaker opened at 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_opened","threshold":null,"value":null},{"code":"reject_run","threshold":3,"value":3},{"code":"pool_opened","threshold":null,"value":null},{"code":"pool_miss_run","threshold":4,"value":12},{"code":"pool_miss_ratio","threshold":null,"value":0.108695652},{"code":"pool_miss_run_probability","threshold":0.0001,"value":0.0},{"code":"regime_normal","threshold":1.5,"value":1.0}]',4.0,5);
INSERT INTO "policy_shadow" VALUES(8,'ETHUSDT','breaker:calm',0,'prefer_taker','ok','normal','maker orders are held back but for probes; 3 post-only rejects in a row >= 3: the symbol''s breaker opened at 2026-04-26T08:00:00Z; run of 12 misses, pool miss ratio 0.1087, 0.1087^12 = 0 <= 0.0001: the scope''s breaker opened at 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_opened","threshold":null,"value":null},{"code":"reject_run","threshold":3,"value":3},{"code":"pool_opened","threshold":null,"value":null},{"code":"pool_miss_run","threshold":4,"value":12},{"code":"pool_miss_ratio","threshold":null,"value":0.108695652},{"code":"pool_miss_run_probability","threshold":0.0001,"value":0.0},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,5);
INSERT INTO "policy_shadow" VALUES(9,'BTCUSDT','breaker:calm',0,'prefer_taker','degraded','normal','maker orders are held back but for probes; the symbol''s breaker is open since 2026-04-26T08:00:00Z; the scope''s breaker is open since 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_open","threshold":null,"value":null},{"code":"own_miss_run","threshold":4,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"reject_run","threshold":3,"value":4},{"code":"pool_open","threshold":null,"value":null},{"code":"regime_normal","threshold":1.5,"value":1.0}]',4.0,5);
INSERT INTO "policy_shadow" VALUES(9,'ETHUSDT','breaker:calm',0,'prefer_taker','ok','normal','maker orders are held back but for probes; the symbol''s breaker is open since 2026-04-26T08:00:00Z; the scope''s breaker is open since 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_open","threshold":null,"value":null},{"code":"own_miss_run","threshold":4,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"reject_run","threshold":3,"value":4},{"code":"pool_open","threshold":null,"value":null},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,5);
INSERT INTO "policy_shadow" VALUES(10,'BTCUSDT','breaker:calm',1,'prefer_maker','degraded','normal','try maker first and wait the full time; the symbol''s breaker closed: a probe filled; the scope''s breaker closed: a probe filled; volatility is normal','[{"code":"own_closed_by_probe","threshold":1,"value":1},{"code":"pool_closed_by_probe","threshold":1,"value":1},{"code":"regime_normal","threshold":1.5,"value":1.0}]',2.5,NULL);
INSERT INTO "policy_shadow" VALUES(10,'ETHUSDT','breaker:calm',1,'prefer_maker','ok','normal','try maker first and wait the full time; the symbol''s breaker closed: a probe filled; the scope''s breaker closed: a probe filled; volatility is normal','[{"code":"own_closed_by_probe","threshold":1,"value":1},{"code":"pool_closed_by_probe","threshold":1,"value":1},{"code":"regime_normal","threshold":1.5,"value":1.0}]',1.5,NULL);
INSERT INTO "policy_shadow" VALUES(11,'BTCUSDT','breaker:calm',1,'prefer_taker','degraded','panic','try maker first, but wait a quarter of the time, for outcomes that vary less; volatility is panic','[{"code":"low_variance_in_panic","threshold":null,"value":null},{"code":"regime_panic","threshold":2.5,"value":3.0}]',3.5,NULL);
INSERT INTO "policy_shadow" VALUES(11,'ETHUSDT','breaker:calm',1,'prefer_taker','ok','panic','try maker first, but wait a quarter of the time, for outcomes that vary less; volatility is panic','[{"code":"low_variance_in_panic","threshold":null,"value":null},{"code":"regime_panic","threshold":2.5,"value":3.0}]',2.5,NULL);
CREATE TABLE policy_slot (
	scope TEXT NOT NULL, 
	slot TEXT NOT NULL, 
	state TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	lease_until_at TEXT NOT NULL, 
	CONSTRAINT pk_policy_slot PRIMARY KEY (scope, slot), 
	CONSTRAINT ck_policy_slot_state_known CHECK (state in ('running', 'published', 'failed', 'missed'))
)
 STRICT

;
INSERT INTO "policy_slot" VALUES('default','2026-04-26 00:00:00','published','host:1',1,'2026-11-27 05:58:18.003000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 01:00:00','published','host:1',1,'2026-11-27 05:58:18.013000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 02:00:00','published','host:1',1,'2026-11-27 05:58:18.017000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 03:00:00','published','host:1',1,'2026-11-27 05:58:18.020000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 05:00:00','published','host:1',1,'2026-11-27 05:58:18.024000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 06:00:00','published','host:1',1,'2026-11-27 05:58:18.027000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 07:00:00','published','host:1',1,'2026-11-27 05:58:18.031000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 08:00:00','published','host:1',1,'2026-11-27 05:58:18.034000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 09:00:00','published','host:1',1,'2026-11-27 05:58:18.038000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 10:00:00','published','host:1',1,'2026-11-27 05:58:18.042000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 11:00:00','published','host:1',1,'2026-11-27 05:58:18.045000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 12:00:00','failed','host:1',1,'2026-11-27 05:53:18.057000');
INSERT INTO "policy_slot" VALUES('default','2026-04-26 13:00:00','missed','',0,'2026-04-26 13:00:00');
CREATE TABLE policy_snapshot (
	run_id INTEGER NOT NULL, 
	symbol TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	slot TEXT NOT NULL, 
	maker_first INTEGER NOT NULL, 
	taker_bias TEXT NOT NULL, 
	quality TEXT NOT NULL, 
	regime TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	codes TEXT NOT NULL, 
	maker_fill_ratio REAL, 
	fallback_ratio REAL, 
	slip_q25 REAL, 
	slip_q50 REAL, 
	slip_q75 REAL, 
	outcome_count INTEGER NOT NULL, 
	maker_started_count INTEGER NOT NULL, 
	slippage_count INTEGER NOT NULL, 
	atr_short_pct REAL, 
	atr_long_pct REAL, 
	atr_ratio REAL, 
	bar_count INTEGER NOT NULL, 
	bar_age_seconds REAL, 
	expectancy REAL, 
	expectancy_count INTEGER NOT NULL, 
	maker_offset_bps REAL NOT NULL, 
	rule_set TEXT NOT NULL, probe_every INTEGER, 
	CONSTRAINT pk_policy_snapshot PRIMARY KEY (run_id, symbol), 
	CONSTRAINT ck_policy_snapshot_quality_known CHECK (quality in ('good', 'ok', 'degraded', 'broken')), 
	CONSTRAINT ck_policy_snapshot_regime_known CHECK (regime in ('quiet', 'normal', 'hot', 'panic', 'unknown')), 
	CONSTRAINT ck_policy_snapshot_taker_bias_known CHECK (taker_bias in ('prefer_maker', 'balanced', 'prefer_taker')), 
	CONSTRAINT ck_policy_snapshot_atr_long_pct_finite CHECK (atr_long_pct between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_atr_ratio_finite CHECK (atr_ratio between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_atr_short_pct_finite CHECK (atr_short_pct between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_bar_age_seconds_finite CHECK (bar_age_seconds between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_expectancy_finite CHECK (expectancy between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_fallback_ratio_finite CHECK (fallback_ratio between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_maker_fill_ratio_finite CHECK (maker_fill_ratio between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_maker_offset_bps_finite CHECK (maker_offset_bps between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_slip_q25_finite CHECK (slip_q25 between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_slip_q50_finite CHECK (slip_q50 between -1e300 and 1e300), 
	CONSTRAINT ck_policy_snapshot_slip_q75_finite CHECK (slip_q75 between -1e300 and 1e300), 
	CONSTRAINT fk_policy_snapshot_run_id FOREIGN KEY(run_id) REFERENCES policy_run (run_id)
)
 STRICT

;
INSERT INTO "policy_snapshot" VALUES(1,'BTCUSDT','default','2026-04-26 00:00:00',1,'prefer_maker','good','normal','the maker-first router is good: try maker first and wait the full time (maker fills 0.8 >= 0.7, fallback 0.1 <= 0.4, median slippage 0.5 bps <= 4); volatility is normal','[{"code":"maker_fill_ratio_good","threshold":0.7,"value":0.8},{"code":"fallback_ratio_good","threshold":0.4,"value":0.1},{"code":"slip_q50_good","threshold":4.0,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.1,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(1,'ETHUSDT','default','2026-04-26 00:00:00',1,'balanced','ok','normal','the maker-first router is ok: try maker first and wait half the time (fallback 0.5 > 0.4); volatility is normal','[{"code":"fallback_ratio_not_good","threshold":0.4,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(2,'BTCUSDT','default','2026-04-26 01:00:00',1,'prefer_maker','good','normal','the maker-first router is good: try maker first and wait the full time (maker fills 0.8 >= 0.7, fallback 0.1 <= 0.4, median slippage 0.5 bps <= 4); volatility is normal','[{"code":"maker_fill_ratio_good","threshold":0.7,"value":0.8},{"code":"fallback_ratio_good","threshold":0.4,"value":0.1},{"code":"slip_q50_good","threshold":4.0,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.1,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(2,'ETHUSDT','default','2026-04-26 01:00:00',1,'balanced','ok','normal','the maker-first router is ok: try maker first and wait half the time (fallback 0.5 > 0.4); volatility is normal','[{"code":"fallback_ratio_not_good","threshold":0.4,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(3,'BTCUSDT','default','2026-04-26 02:00:00',0,'prefer_taker','broken','normal','the maker-first router is broken: go straight to taker (fallback 0.95 >= 0.9); volatility is normal','[{"code":"fallback_ratio_broken","threshold":0.9,"value":0.95},{"code":"broken_disables_maker","threshold":null,"value":null},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.95,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,4.0,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(3,'ETHUSDT','default','2026-04-26 02:00:00',1,'balanced','ok','normal','the maker-first router is ok: try maker first and wait half the time (fallback 0.5 > 0.4); volatility is normal','[{"code":"fallback_ratio_not_good","threshold":0.4,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(4,'BTCUSDT','default','2026-04-26 03:00:00',0,'prefer_taker','broken','normal','the maker-first router is broken: go straight to taker (fallback 0.95 >= 0.9); volatility is normal','[{"code":"fallback_ratio_broken","threshold":0.9,"value":0.95},{"code":"broken_disables_maker","threshold":null,"value":null},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.95,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,4.0,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(4,'ETHUSDT','default','2026-04-26 03:00:00',1,'balanced','ok','normal','the maker-first router is ok: try maker first and wait half the time (fallback 0.5 > 0.4); volatility is normal','[{"code":"fallback_ratio_not_good","threshold":0.4,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(5,'BTCUSDT','default','2026-04-26 05:00:00',1,'prefer_maker','good','normal','the maker-first router is good: try maker first and wait the full time (maker fills 0.8 >= 0.7, fallback 0.1 <= 0.4, median slippage 0.5 bps <= 4); volatility is normal','[{"code":"maker_fill_ratio_good","threshold":0.7,"value":0.8},{"code":"fallback_ratio_good","threshold":0.4,"value":0.1},{"code":"slip_q50_good","threshold":4.0,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.1,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(5,'ETHUSDT','default','2026-04-26 05:00:00',1,'balanced','ok','normal','the maker-first router is ok: try maker first and wait half the time (fallback 0.5 > 0.4); volatility is normal','[{"code":"fallback_ratio_not_good","threshold":0.4,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(6,'BTCUSDT','default','2026-04-26 06:00:00',1,'prefer_maker','good','normal','the maker-first router is good: try maker first and wait the full time (maker fills 0.8 >= 0.7, fallback 0.1 <= 0.4, median slippage 0.5 bps <= 4); volatility is normal','[{"code":"maker_fill_ratio_good","threshold":0.7,"value":0.8},{"code":"fallback_ratio_good","threshold":0.4,"value":0.1},{"code":"slip_q50_good","threshold":4.0,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.1,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(6,'ETHUSDT','default','2026-04-26 06:00:00',1,'balanced','ok','normal','the maker-first router is ok: try maker first and wait half the time (fallback 0.5 > 0.4); volatility is normal','[{"code":"fallback_ratio_not_good","threshold":0.4,"value":0.5},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'seed',NULL);
INSERT INTO "policy_snapshot" VALUES(7,'BTCUSDT','default','2026-04-26 07:00:00',1,'prefer_maker','good','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.1,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'breaker',NULL);
INSERT INTO "policy_snapshot" VALUES(7,'ETHUSDT','default','2026-04-26 07:00:00',1,'prefer_maker','ok','normal','try maker first and wait the full time; volatility is normal','[{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'breaker',NULL);
INSERT INTO "policy_snapshot" VALUES(8,'BTCUSDT','default','2026-04-26 08:00:00',0,'prefer_taker','good','normal','maker orders are held back but for probes; 3 post-only rejects in a row >= 2: the symbol''s breaker opened at 2026-04-26T08:00:00Z; run of 12 misses, pool miss ratio 0.1087, 0.1087^12 = 0 <= 0.0001: the scope''s breaker opened at 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_opened","threshold":null,"value":null},{"code":"reject_run","threshold":2,"value":3},{"code":"pool_opened","threshold":null,"value":null},{"code":"pool_miss_run","threshold":3,"value":12},{"code":"pool_miss_ratio","threshold":null,"value":0.108695652},{"code":"pool_miss_run_probability","threshold":0.0001,"value":0.0},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.95,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,4.0,'breaker',5);
INSERT INTO "policy_snapshot" VALUES(8,'ETHUSDT','default','2026-04-26 08:00:00',0,'prefer_taker','ok','normal','maker orders are held back but for probes; 3 post-only rejects in a row >= 2: the symbol''s breaker opened at 2026-04-26T08:00:00Z; run of 12 misses, pool miss ratio 0.1087, 0.1087^12 = 0 <= 0.0001: the scope''s breaker opened at 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_opened","threshold":null,"value":null},{"code":"reject_run","threshold":2,"value":3},{"code":"pool_opened","threshold":null,"value":null},{"code":"pool_miss_run","threshold":3,"value":12},{"code":"pool_miss_ratio","threshold":null,"value":0.108695652},{"code":"pool_miss_run_probability","threshold":0.0001,"value":0.0},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'breaker',5);
INSERT INTO "policy_snapshot" VALUES(9,'BTCUSDT','default','2026-04-26 09:00:00',0,'prefer_taker','good','normal','maker orders are held back but for probes; the symbol''s breaker is open since 2026-04-26T08:00:00Z; the scope''s breaker is open since 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_open","threshold":null,"value":null},{"code":"own_miss_run","threshold":3,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"reject_run","threshold":2,"value":4},{"code":"pool_open","threshold":null,"value":null},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.95,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,4.0,'breaker',5);
INSERT INTO "policy_snapshot" VALUES(9,'ETHUSDT','default','2026-04-26 09:00:00',0,'prefer_taker','ok','normal','maker orders are held back but for probes; the symbol''s breaker is open since 2026-04-26T08:00:00Z; the scope''s breaker is open since 2026-04-26T08:00:00Z; volatility is normal','[{"code":"own_open","threshold":null,"value":null},{"code":"own_miss_run","threshold":3,"value":6},{"code":"own_miss_ratio","threshold":null,"value":0.108695652},{"code":"own_miss_run_probability","threshold":0.001,"value":1.649e-06},{"code":"reject_run","threshold":2,"value":4},{"code":"pool_open","threshold":null,"value":null},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'breaker',5);
INSERT INTO "policy_snapshot" VALUES(10,'BTCUSDT','default','2026-04-26 10:00:00',1,'prefer_maker','degraded','normal','try maker first and wait the full time; the symbol''s breaker closed: a probe filled; the scope''s breaker closed: a probe filled; volatility is normal','[{"code":"own_closed_by_probe","threshold":1,"value":1},{"code":"pool_closed_by_probe","threshold":1,"value":1},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.7,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,2.5,'breaker',NULL);
INSERT INTO "policy_snapshot" VALUES(10,'ETHUSDT','default','2026-04-26 10:00:00',1,'prefer_maker','ok','normal','try maker first and wait the full time; the symbol''s breaker closed: a probe filled; the scope''s breaker closed: a probe filled; volatility is normal','[{"code":"own_closed_by_probe","threshold":1,"value":1},{"code":"pool_closed_by_probe","threshold":1,"value":1},{"code":"regime_normal","threshold":1.5,"value":1.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,1.0,500,300.0,-0.0003,6,1.5,'breaker',NULL);
INSERT INTO "policy_snapshot" VALUES(11,'BTCUSDT','default','2026-04-26 11:00:00',1,'prefer_maker','degraded','panic','try maker first and wait the full time; volatility is panic','[{"code":"regime_panic","threshold":2.5,"value":3.0}]',0.8,0.7,-1.25,0.5,2.0,50,40,45,0.1,0.2,3.0,500,300.0,-0.0003,6,3.5,'breaker',NULL);
INSERT INTO "policy_snapshot" VALUES(11,'ETHUSDT','default','2026-04-26 11:00:00',1,'prefer_maker','ok','panic','try maker first and wait the full time; volatility is panic','[{"code":"regime_panic","threshold":2.5,"value":3.0}]',0.8,0.5,-1.25,0.5,2.0,50,40,45,0.1,0.2,3.0,500,300.0,-0.0003,6,2.5,'breaker',NULL);
CREATE INDEX ix_policy_snapshot_scope_symbol_slot ON policy_snapshot (scope, symbol, slot);
CREATE INDEX ix_policy_override_scope_symbol ON policy_override (scope, symbol);
CREATE TRIGGER policy_run_no_update before update on policy_run begin select raise(abort, 'policy_run is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_run_no_delete before delete on policy_run when not exists (select 1 from policy_prune where through_entry_id >= old.run_id) begin select raise(abort, 'policy_run is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_snapshot_no_update before update on policy_snapshot begin select raise(abort, 'policy_snapshot is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_snapshot_no_delete before delete on policy_snapshot when not exists (select 1 from policy_prune where through_entry_id >= old.run_id) begin select raise(abort, 'policy_snapshot is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_reject_no_update before update on policy_reject begin select raise(abort, 'policy_reject is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_reject_no_delete before delete on policy_reject when not exists (select 1 from policy_prune where through_entry_id >= old.run_id) begin select raise(abort, 'policy_reject is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_override_no_update before update on policy_override begin select raise(abort, 'policy_override is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_override_no_delete before delete on policy_override when not exists (select 1 from policy_prune where through_entry_id >= old.entry_id) begin select raise(abort, 'policy_override is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_override_end_no_update before update on policy_override_end begin select raise(abort, 'policy_override_end is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_override_end_no_delete before delete on policy_override_end when not exists (select 1 from policy_prune where through_entry_id >= old.entry_id) begin select raise(abort, 'policy_override_end is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_prune_no_update before update on policy_prune begin select raise(abort, 'policy_prune is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_prune_no_delete before delete on policy_prune when not exists (select 1 from policy_prune where through_entry_id >= old.entry_id) begin select raise(abort, 'policy_prune is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_rule_set_no_update before update on policy_rule_set begin select raise(abort, 'policy_rule_set is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_rule_set_no_delete before delete on policy_rule_set begin select raise(abort, 'policy_rule_set is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_run_failure_no_update before update on policy_run_failure begin select raise(abort, 'policy_run_failure is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_run_failure_no_delete before delete on policy_run_failure begin select raise(abort, 'policy_run_failure is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_run_no_replace before insert on policy_run when exists (select 1 from policy_run where run_id = new.run_id) begin select raise(abort, 'policy_run is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_snapshot_no_replace before insert on policy_snapshot when exists (select 1 from policy_snapshot where run_id = new.run_id and symbol = new.symbol) begin select raise(abort, 'policy_snapshot is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_reject_no_replace before insert on policy_reject when exists (select 1 from policy_reject where run_id = new.run_id and source = new.source and reason = new.reason) begin select raise(abort, 'policy_reject is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_override_no_replace before insert on policy_override when exists (select 1 from policy_override where entry_id = new.entry_id) begin select raise(abort, 'policy_override is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_override_end_no_replace before insert on policy_override_end when exists (select 1 from policy_override_end where entry_id = new.entry_id) begin select raise(abort, 'policy_override_end is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_prune_no_replace before insert on policy_prune when exists (select 1 from policy_prune where entry_id = new.entry_id) begin select raise(abort, 'policy_prune is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_shadow_no_update before update on policy_shadow begin select raise(abort, 'policy_shadow is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_shadow_no_delete before delete on policy_shadow when not exists (select 1 from policy_prune where through_entry_id >= old.run_id) begin select raise(abort, 'policy_shadow is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_breaker_no_update before update on policy_breaker begin select raise(abort, 'policy_breaker is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_breaker_no_delete before delete on policy_breaker when not exists (select 1 from policy_prune where through_entry_id >= old.run_id) begin select raise(abort, 'policy_breaker is append-only: old runs are removed with router-policy prune, and nothing else is removed'); end;
CREATE TRIGGER policy_shadow_no_replace before insert on policy_shadow when exists (select 1 from policy_shadow where run_id = new.run_id and symbol = new.symbol and rule_set = new.rule_set) begin select raise(abort, 'policy_shadow is append-only: what was published is never changed'); end;
CREATE TRIGGER policy_breaker_no_replace before insert on policy_breaker when exists (select 1 from policy_breaker where run_id = new.run_id and symbol = new.symbol and rule_set = new.rule_set) begin select raise(abort, 'policy_breaker is append-only: what was published is never changed'); end;
CREATE VIEW policy_latest as 
select c.scope, s.run_id, s.symbol, s.slot, s.quality, s.regime, s.reason, s.codes, s.maker_fill_ratio, s.fallback_ratio, s.slip_q25, s.slip_q50, s.slip_q75, s.outcome_count, s.maker_started_count, s.slippage_count, s.atr_short_pct, s.atr_long_pct, s.atr_ratio, s.bar_count, s.bar_age_seconds, s.expectancy, s.expectancy_count, s.maker_offset_bps, s.rule_set,
    coalesce(o.maker_first, s.maker_first) as maker_first,
    coalesce(o.taker_bias, s.taker_bias) as taker_bias,
    case when o.entry_id is null then s.probe_every end as probe_every,
    r.published_at,
    s.maker_first as computed_maker_first,
    s.taker_bias as computed_taker_bias,
    o.entry_id as override_id,
    o.author as override_author,
    o.reason as override_reason,
    o.until_at as override_until_at
from policy_scope as c
join policy_run as r on r.run_id = (
    select newest.run_id from policy_run as newest
    where newest.scope = c.scope order by newest.slot desc limit 1
)
join policy_snapshot as s on s.run_id = r.run_id

left join policy_override as o on o.entry_id = (
    select max(x.entry_id) from policy_override as x
    left join policy_override_end as e on e.override_id = x.entry_id
    where x.scope = s.scope and x.symbol = s.symbol
        and x.from_at <= strftime('%Y-%m-%d %H:%M:%f', 'now') || '000' and coalesce(e.ended_at, x.until_at) > strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'
);
CREATE VIEW policy_history as 
with turn as (
    select scope, symbol, from_at as at from policy_override where from_at <= strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'
    union
    select t.scope, t.symbol, coalesce(e.ended_at, t.until_at)
    from policy_override as t left join policy_override_end as e on e.override_id = t.entry_id
    where coalesce(e.ended_at, t.until_at) <= strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'
),
point as (
    select run_id, symbol, scope, slot, maker_first, taker_bias, quality, regime, reason, codes, maker_fill_ratio, fallback_ratio, slip_q25, slip_q50, slip_q75, outcome_count, maker_started_count, slippage_count, atr_short_pct, atr_long_pct, atr_ratio, bar_count, bar_age_seconds, expectancy, expectancy_count, maker_offset_bps, rule_set, probe_every, slot as valid_from from policy_snapshot
    union all
    select p.run_id, p.symbol, p.scope, p.slot, p.maker_first, p.taker_bias, p.quality, p.regime, p.reason, p.codes, p.maker_fill_ratio, p.fallback_ratio, p.slip_q25, p.slip_q50, p.slip_q75, p.outcome_count, p.maker_started_count, p.slippage_count, p.atr_short_pct, p.atr_long_pct, p.atr_ratio, p.bar_count, p.bar_age_seconds, p.expectancy, p.expectancy_count, p.maker_offset_bps, p.rule_set, p.probe_every, turn.at as valid_from
    from turn join policy_snapshot as p on p.symbol = turn.symbol and p.run_id = (
        select before.run_id from policy_run as before
        where before.scope = turn.scope and before.slot <= turn.at order by before.slot desc limit 1
    )
    where p.slot < turn.at
)
select s.scope, s.run_id, s.symbol, s.slot, s.quality, s.regime, s.reason, s.codes, s.maker_fill_ratio, s.fallback_ratio, s.slip_q25, s.slip_q50, s.slip_q75, s.outcome_count, s.maker_started_count, s.slippage_count, s.atr_short_pct, s.atr_long_pct, s.atr_ratio, s.bar_count, s.bar_age_seconds, s.expectancy, s.expectancy_count, s.maker_offset_bps, s.rule_set,
    coalesce(o.maker_first, s.maker_first) as maker_first,
    coalesce(o.taker_bias, s.taker_bias) as taker_bias,
    case when o.entry_id is null then s.probe_every end as probe_every,
    s.valid_from,
    (
        select min(ends.at) from (
            select min(later.slot) as at from policy_run as later
            where later.scope = s.scope and later.slot > s.valid_from
            union all
            select min(turn.at) from turn
            where turn.scope = s.scope and turn.symbol = s.symbol and turn.at > s.valid_from
        ) as ends
    ) as valid_to,
    r.origin,
    r.published_at,
    s.maker_first as computed_maker_first,
    s.taker_bias as computed_taker_bias,
    o.entry_id as override_id,
    o.author as override_author,
    o.reason as override_reason,
    o.until_at as override_until_at
from point as s
join policy_run as r on r.run_id = s.run_id

left join policy_override as o on o.entry_id = (
    select max(x.entry_id) from policy_override as x
    left join policy_override_end as e on e.override_id = x.entry_id
    where x.scope = s.scope and x.symbol = s.symbol
        and x.from_at <= s.valid_from and coalesce(e.ended_at, x.until_at) > s.valid_from
);
CREATE VIEW policy_change as 
select s.run_id, s.symbol, s.scope, s.slot, s.maker_first, s.taker_bias, s.quality, s.regime, s.reason, s.codes, s.maker_fill_ratio, s.fallback_ratio, s.slip_q25, s.slip_q50, s.slip_q75, s.outcome_count, s.maker_started_count, s.slippage_count, s.atr_short_pct, s.atr_long_pct, s.atr_ratio, s.bar_count, s.bar_age_seconds, s.expectancy, s.expectancy_count, s.maker_offset_bps, s.rule_set, s.probe_every,
    p.slot as previous_slot,
    p.maker_first as previous_maker_first,
    p.taker_bias as previous_taker_bias,
    p.quality as previous_quality,
    p.regime as previous_regime,
    p.reason as previous_reason
from policy_run as r
join policy_run as before on before.run_id = (
    select earlier.run_id from policy_run as earlier
    where earlier.scope = r.scope and earlier.slot < r.slot
    order by earlier.slot desc limit 1
)
join policy_snapshot as s on s.run_id = r.run_id
join policy_snapshot as p on p.run_id = before.run_id and p.symbol = s.symbol
where p.maker_first <> s.maker_first or p.taker_bias <> s.taker_bias or p.quality <> s.quality;
CREATE VIEW policy_gap as 
select
    g.scope,
    g.slot,
    case when g.state = 'running' then 'abandoned' else g.state end as state,
    g.owner,
    (
        select count(*) from policy_run_failure as f where f.scope = g.scope and f.slot = g.slot
    ) as failure_count,
    (
        select f.error from policy_run_failure as f
        where f.scope = g.scope and f.slot = g.slot order by f.fence desc limit 1
    ) as last_error
from policy_slot as g
where g.state in ('missed', 'failed') or (g.state = 'running' and g.lease_until_at < strftime('%Y-%m-%d %H:%M:%f', 'now') || '000');
COMMIT;
