PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('0002');
CREATE TABLE policy_scope (
	scope TEXT NOT NULL, 
	CONSTRAINT pk_policy_scope PRIMARY KEY (scope)
)
 STRICT

;
INSERT INTO policy_scope VALUES('default');
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
INSERT INTO policy_slot VALUES('default','2026-04-26 00:00:00','published','vm:15388@1795765101',1,'2026-11-27 07:43:32.732000');
INSERT INTO policy_slot VALUES('default','2026-04-26 00:15:00','published','vm:15888@1795765108',1,'2026-11-27 07:43:39.530000');
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
CREATE TABLE policy_head (
	head_id INTEGER NOT NULL, 
	entry_id INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_policy_head PRIMARY KEY (head_id), 
	CONSTRAINT ck_policy_head_single CHECK (head_id = 1)
)
 STRICT

;
INSERT INTO policy_head VALUES(1,4,'4d5abf5a037933ddaf1172ea97960ac51bbbcb2c92cc797252f9bcf69a0ab71e');
CREATE TABLE policy_rule_set (
	digest TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	parameters TEXT NOT NULL, 
	CONSTRAINT pk_policy_rule_set PRIMARY KEY (digest)
)
 STRICT

;
INSERT INTO policy_rule_set VALUES('cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','seed',1,'{"broken_fallback_ratio":0.9,"broken_slip_q50_bps":20.0,"degraded_fallback_ratio":0.6,"degraded_slip_q50_bps":8.0,"good_fallback_ratio":0.4,"good_maker_fill_ratio":0.7,"good_slip_q50_bps":4.0,"max_bar_age_seconds":null}');
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
	previous_digest TEXT NOT NULL, 
	CONSTRAINT pk_policy_run PRIMARY KEY (run_id), 
	CONSTRAINT ck_policy_run_origin_known CHECK (origin in ('schedule', 'manual', 'backfill')), 
	CONSTRAINT fk_policy_run_rule_set_digest FOREIGN KEY(rule_set_digest) REFERENCES policy_rule_set (digest), 
	CONSTRAINT fk_policy_run_scope FOREIGN KEY(scope) REFERENCES policy_scope (scope), 
	CONSTRAINT uq_policy_run_previous_digest UNIQUE (previous_digest), 
	CONSTRAINT uq_policy_run_scope_slot UNIQUE (scope, slot)
)
 STRICT

;
INSERT INTO policy_run VALUES(1,'default','2026-04-26 00:00:00','manual','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','vm:15388@1795765101','2026-11-27 07:38:22.743000','2026-11-27 07:38:23.268000',2,21,1,'{"orders":{"files":1,"kind":"order-log"}}','37afc1ee5eb704031db6acf4cf6c612ee9eed2caff8ea2b78b9816e0fed6fdc8','');
INSERT INTO policy_run VALUES(4,'default','2026-04-26 00:15:00','manual','seed','cdefb6bbbfffccd25acaa6dbaafb582fa6c364b4149bed100104db8df3d8fdde','duckdb 2.0.0','0.1.0','vm:15888@1795765108','2026-11-27 07:38:29.554000','2026-11-27 07:38:30.054000',2,12,0,'{"orders":{"files":1,"kind":"order-log"}}','4d5abf5a037933ddaf1172ea97960ac51bbbcb2c92cc797252f9bcf69a0ab71e','f6f711585eddedaf06a2bafb4f34b10597fcc27f2f72bf6f3b53390214e81d2a');
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
	rule_set TEXT NOT NULL, 
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
INSERT INTO policy_snapshot VALUES(1,'BTCUSDT','default','2026-04-26 00:00:00',1,'prefer_maker','good','unknown','the maker-first router is good: try maker first and wait the full time (maker fills 1 >= 0.7, fallback 0 <= 0.4, median slippage -0.4 bps <= 4); volatility is unknown and treated as normal','[{"code":"maker_fill_ratio_good","threshold":0.7,"value":1.0},{"code":"fallback_ratio_good","threshold":0.4,"value":0.0},{"code":"slip_q50_good","threshold":4.0,"value":-0.4},{"code":"regime_unknown_too_few_bars","threshold":500.0,"value":0.0}]',1.0,0.0,-0.4000000000000000222,-0.4000000000000000222,-0.4000000000000000222,12,12,12,NULL,NULL,NULL,0,NULL,NULL,0,1.3000000000000000444,'seed');
INSERT INTO policy_snapshot VALUES(1,'ETHUSDT','default','2026-04-26 00:00:00',1,'prefer_taker','degraded','unknown','the maker-first router is degraded: try maker first, but wait a quarter of the time (fallback 0.6667 >= 0.6); volatility is unknown and treated as normal','[{"code":"fallback_ratio_degraded","threshold":0.6,"value":0.666666667},{"code":"regime_unknown_too_few_bars","threshold":500.0,"value":0.0}]',0.33333333300000000942,0.66666666699999999057,-0.4000000000000000222,-0.4000000000000000222,-0.4000000000000000222,9,9,9,NULL,NULL,NULL,0,NULL,NULL,0,2.7999999999999998223,'seed');
INSERT INTO policy_snapshot VALUES(4,'BTCUSDT','default','2026-04-26 00:15:00',1,'prefer_maker','good','unknown','the maker-first router is good: try maker first and wait the full time (maker fills 1 >= 0.7, fallback 0 <= 0.4, median slippage -0.4 bps <= 4); volatility is unknown and treated as normal','[{"code":"maker_fill_ratio_good","threshold":0.7,"value":1.0},{"code":"fallback_ratio_good","threshold":0.4,"value":0.0},{"code":"slip_q50_good","threshold":4.0,"value":-0.4},{"code":"regime_unknown_too_few_bars","threshold":500.0,"value":0.0}]',1.0,0.0,-0.4000000000000000222,-0.4000000000000000222,-0.4000000000000000222,12,12,12,NULL,NULL,NULL,0,NULL,NULL,0,1.3000000000000000444,'seed');
INSERT INTO policy_snapshot VALUES(4,'ETHUSDT','default','2026-04-26 00:15:00',1,'balanced','ok','unknown','the maker-first router is ok: try maker first and wait half the time; volatility is unknown and treated as normal; not measured and counted as 0: maker_fill_ratio, fallback_ratio, slip_q50','[{"code":"maker_fill_ratio_missing","threshold":null,"value":null},{"code":"fallback_ratio_missing","threshold":null,"value":null},{"code":"slip_q50_missing","threshold":null,"value":null},{"code":"maker_fill_ratio_not_good","threshold":0.7,"value":null},{"code":"regime_unknown_too_few_bars","threshold":500.0,"value":0.0}]',NULL,NULL,NULL,NULL,NULL,0,0,0,NULL,NULL,NULL,0,NULL,NULL,0,2.0,'seed');
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
INSERT INTO policy_reject VALUES(1,'orders','not_an_order',1,'/tmp/bot/log.jsonl:22: 2026-04-25 10:00:00');
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
INSERT INTO policy_override VALUES(2,'default','ETHUSDT',0,'prefer_taker','ann','maintenance','2026-11-27 07:38:25.519000','2026-11-27 09:38:25.519000','d3d7d8ca970fffd783ce48a77ea4cb9a6fe54d32a58b2eeafd401e45175f36df','37afc1ee5eb704031db6acf4cf6c612ee9eed2caff8ea2b78b9816e0fed6fdc8');
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
INSERT INTO policy_override_end VALUES(3,2,'ann','over','2026-11-27 07:38:27.590000','f6f711585eddedaf06a2bafb4f34b10597fcc27f2f72bf6f3b53390214e81d2a','d3d7d8ca970fffd783ce48a77ea4cb9a6fe54d32a58b2eeafd401e45175f36df');
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
CREATE VIEW policy_latest as 
select c.scope, s.run_id, s.symbol, s.slot, s.quality, s.regime, s.reason, s.codes, s.maker_fill_ratio, s.fallback_ratio, s.slip_q25, s.slip_q50, s.slip_q75, s.outcome_count, s.maker_started_count, s.slippage_count, s.atr_short_pct, s.atr_long_pct, s.atr_ratio, s.bar_count, s.bar_age_seconds, s.expectancy, s.expectancy_count, s.maker_offset_bps, s.rule_set,
    coalesce(o.maker_first, s.maker_first) as maker_first,
    coalesce(o.taker_bias, s.taker_bias) as taker_bias,
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
    select run_id, symbol, scope, slot, maker_first, taker_bias, quality, regime, reason, codes, maker_fill_ratio, fallback_ratio, slip_q25, slip_q50, slip_q75, outcome_count, maker_started_count, slippage_count, atr_short_pct, atr_long_pct, atr_ratio, bar_count, bar_age_seconds, expectancy, expectancy_count, maker_offset_bps, rule_set, slot as valid_from from policy_snapshot
    union all
    select p.run_id, p.symbol, p.scope, p.slot, p.maker_first, p.taker_bias, p.quality, p.regime, p.reason, p.codes, p.maker_fill_ratio, p.fallback_ratio, p.slip_q25, p.slip_q50, p.slip_q75, p.outcome_count, p.maker_started_count, p.slippage_count, p.atr_short_pct, p.atr_long_pct, p.atr_ratio, p.bar_count, p.bar_age_seconds, p.expectancy, p.expectancy_count, p.maker_offset_bps, p.rule_set, turn.at as valid_from
    from turn join policy_snapshot as p on p.symbol = turn.symbol and p.run_id = (
        select before.run_id from policy_run as before
        where before.scope = turn.scope and before.slot <= turn.at order by before.slot desc limit 1
    )
    where p.slot < turn.at
)
select s.scope, s.run_id, s.symbol, s.slot, s.quality, s.regime, s.reason, s.codes, s.maker_fill_ratio, s.fallback_ratio, s.slip_q25, s.slip_q50, s.slip_q75, s.outcome_count, s.maker_started_count, s.slippage_count, s.atr_short_pct, s.atr_long_pct, s.atr_ratio, s.bar_count, s.bar_age_seconds, s.expectancy, s.expectancy_count, s.maker_offset_bps, s.rule_set,
    coalesce(o.maker_first, s.maker_first) as maker_first,
    coalesce(o.taker_bias, s.taker_bias) as taker_bias,
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
select s.run_id, s.symbol, s.scope, s.slot, s.maker_first, s.taker_bias, s.quality, s.regime, s.reason, s.codes, s.maker_fill_ratio, s.fallback_ratio, s.slip_q25, s.slip_q50, s.slip_q75, s.outcome_count, s.maker_started_count, s.slippage_count, s.atr_short_pct, s.atr_long_pct, s.atr_ratio, s.bar_count, s.bar_age_seconds, s.expectancy, s.expectancy_count, s.maker_offset_bps, s.rule_set,
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
