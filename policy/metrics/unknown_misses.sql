-- The maker orders of the last 24 hours that missed, and of how many it is not known whether the market traded through
-- their price.
select
    count(*) as miss_count,
    sum(case when went_through is null then 1 else 0 end) as unknown_count
from maker_order
where ts >= :day_start and ts < :as_of and not maker_filled
