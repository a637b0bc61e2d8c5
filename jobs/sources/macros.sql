-- How single values are read, whatever program wrote them. Each gives null for what it cannot read.

-- A number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its size.
create or replace temp macro instant_of_integer(n) as (
    case
        when abs(n) > 100000000000000000 then make_timestamp(n // 1000)
        when abs(n) > 1000000000000000 then make_timestamp(n)
        when abs(n) > 1000000000000 then make_timestamp(n * 1000)
        else make_timestamp(n * 1000000)
    end
);

create or replace temp macro instant_of_number(n) as (
    case
        when not isfinite(n) then null
        when abs(n) > 1e17 then make_timestamp(try_cast(n / 1e3 as bigint))
        when abs(n) > 1e15 then make_timestamp(try_cast(n as bigint))
        when abs(n) > 1e12 then make_timestamp(try_cast(n * 1e3 as bigint))
        else make_timestamp(try_cast(n * 1e6 as bigint))
    end
);

-- A time before 2000 or from 2100 on is no time of an order.
create or replace temp macro plausible(t) as (
    case when t >= timestamp '2000-01-01' and t < timestamp '2100-01-01' then t end
);

-- ISO 8601 with a zone, or without one (then UTC), or a number.
create or replace temp macro instant_of_text(t) as (
    plausible(
        case
            when try_cast(t as double) is not null
                then coalesce(instant_of_integer(try_cast(case when t not like '%.%' then t end as bigint)),
                    instant_of_number(try_cast(t as double)))
            else timezone('UTC', try_cast(t as timestamptz))
        end
    )
);

create or replace temp macro flag_of_text(t) as (
    case lower(t) when 'true' then true when 'false' then false when '1' then true when '0' then false end
);

-- A symbol is text of 1 to 64 characters without control characters.
create or replace temp macro symbol_of_text(t) as (
    case when length(trim(t)) between 1 and 64 and not regexp_matches(t, '[[:cntrl:]]') then trim(t) end
);

create or replace temp macro is_unread(t, v) as (t is not null and t <> '' and v is null);
