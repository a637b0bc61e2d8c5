-- Macros that read single values, whatever program wrote them. Each gives null for a value that it cannot read.

-- A number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its size: the times of the
-- years 2000 to 2099 are four ranges that do not meet, and a number in none of them is not the time of an order.
create or replace temp macro instant_of_integer(n) as (
    case
        when n between 946684800 and 4102444799 then make_timestamp(n * 1000000)
        when n between 946684800000 and 4102444799999 then make_timestamp(n * 1000)
        when n between 946684800000000 and 4102444799999999 then make_timestamp(n)
        when n between 946684800000000000 and 4102444799999999999 then make_timestamp(n // 1000)
    end
);

create or replace temp macro instant_of_number(n) as (
    case
        when n >= 946684800 and n < 4102444800 then make_timestamp(cast(n * 1e6 as bigint))
        when n >= 946684800e3 and n < 4102444800e3 then make_timestamp(cast(n * 1e3 as bigint))
        when n >= 946684800e6 and n < 4102444800e6 then make_timestamp(cast(n as bigint))
        when n >= 946684800e9 and n < 4102444800e9 then make_timestamp(cast(n / 1e3 as bigint))
    end
);

-- ISO 8601 with a zone or without one (then UTC), or a number, of the years 2000 to 2099. Text in UTC is read without
-- the calendar of zones, which takes four times as long. Seconds stand first among the numbers because most logs have
-- them; nanoseconds have more digits than a double holds.
create or replace temp macro instant_of_text(t) as (
    case
        when t like '20__-%'
            then case
                when regexp_full_match(t, '[0-9]+-[0-9]+-[0-9]+([T ][0-9:.]*Z?)?') then try_cast(t as timestamp)
                else timezone('UTC', try_cast(t as timestamptz))
            end
        when try_cast(t as double) between 946684800 and 4102444799
            then make_timestamp(cast(try_cast(t as double) * 1e6 as bigint))
        when try_cast(t as double) >= 946684800e9 then instant_of_integer(try_cast(t as bigint))
        when try_cast(t as double) is not null then instant_of_number(try_cast(t as double))
    end
);

create or replace temp macro flag_of_text(t) as (
    case t
        when 'true' then true
        when 'false' then false
        else case lower(t) when 'true' then true when 'false' then false when '1' then true when '0' then false end
    end
);

-- A symbol is text of 1 to 64 characters without control characters, blanks around it aside.
create or replace temp macro symbol_of_text(t) as (
    case when length(trim(t)) between 1 and 64 and not regexp_matches(t, '\p{Cc}') then trim(t) end
);

-- A JSON value as it stands in the file is text if it begins with a quote; some logs write numbers as text too. Text
-- without a backslash needs no decoding.
create or replace temp macro text_in_json(j) as (
    case
        when cast(j as varchar) like '"%'
            then case when contains(cast(j as varchar), '\') then j ->> '$' else cast(j as varchar)[2:-2] end
    end
);

create or replace temp macro value_in_json(j) as (
    case when cast(j as varchar) like '"%' then j ->> '$' else cast(j as varchar) end
);

create or replace temp macro is_unread(t, v) as (v is null and t is not null and t <> '');

-- The name of a column and the text in it that could not be read, with a blank between them.
create or replace temp macro unread(name, t, v) as (case when is_unread(t, v) then name || ' ' || t end);
