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

-- ISO 8601 in its extended form, with a zone or without one (then UTC). Text in UTC is read without the calendar of
-- zones, which takes four times as long. A zone is UTC, an offset of less than a day, or the name of a city: letters as
-- BST, CST and IST are the zones of several countries.
create or replace temp macro instant_of_date(t) as (
    case
        when regexp_full_match(t, '[0-9]+-[0-9]+-[0-9]+([T ][0-9:.]*Z?)?') then try_cast(t as timestamp)
        when regexp_full_match(
            t,
            '[0-9]+-[0-9]+-[0-9]+[T ][0-9:. ]*([Zz]|(?i:UTC|GMT)|[+-]([01]?[0-9]|2[0-3])(:?[0-5][0-9]){0,2}|[A-Za-z]+/[A-Za-z/_+-]+[0-9]*)? *'
        ) then timezone('UTC', try_cast(t as timestamptz))
    end
);

-- What ISO 8601 allows beside that, rewritten: the basic form without separators, hours without minutes, a decimal comma,
-- small letters, the minus sign of typography. Dates of weeks and days of the year are not read.
create or replace temp macro extended_form(t) as (
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    replace(replace(upper(t), ',', '.'), '−', '-'),
                    '^([0-9]{4})([0-9]{2})([0-9]{2})($|[T ])', '\1-\2-\3\4'
                ),
                '([T ][0-9]{2})([0-9]{2})([0-9]{2})?', '\1:\2:\3'
            ),
            '([T ][0-9]{2}:[0-9]{2}):?($|Z|[+-])', '\1:00\2'
        ),
        '([T ][0-9]{2})($|Z|[+-])', '\1:00:00\2'
    )
);

-- ISO 8601, or a number, of the years 2000 to 2099. Of numbers, seconds stand first because most logs have them;
-- nanoseconds have more digits than a double holds.
create or replace temp macro instant_of_text(t) as (
    case
        when t like '20__-%' then coalesce(instant_of_date(t), instant_of_date(extended_form(t)))
        when regexp_full_match(t, '20[0-9]{6}([Tt ].*)?') then instant_of_date(extended_form(t))
        when try_cast(t as double) between 946684800 and 4102444799
            then make_timestamp(cast(try_cast(t as double) * 1e6 as bigint))
        when try_cast(t as double) >= 946684800e9 then instant_of_integer(try_cast(t as bigint))
        when try_cast(t as double) is not null then instant_of_number(try_cast(t as double))
    end
);

-- The kind of date or zone that a text has if it is one that is not read; as a note in blanks and brackets.
create or replace temp macro note_of_date(t) as (
    case
        when regexp_matches(t, '^[0-9]{4}-?W[0-9]') then ' (a week date; write year, month and day)'
        when regexp_matches(t, '^[0-9]{4}-?[0-9]{3}($|[T ])') then ' (an ordinal date; write year, month and day)'
        when regexp_matches(t, '^[0-9]{4}-[^A-Za-z]*[T ][^A-Za-z]* ?[A-Za-z]{2,5}$')
            then ' (a zone by its letters; write its offset, as in +02:00)'
        else ''
    end
);

create or replace temp macro flag_of_text(t) as (
    case t
        when 'true' then true
        when 'false' then false
        else case
            when lower(trim(t)) in ('true', 't', 'yes') then true
            when lower(trim(t)) in ('false', 'f', 'no') then false
            when try_cast(t as double) = 1 then true
            when try_cast(t as double) = 0 then false
        end
    end
);

-- An integer; one with decimals that are not zero is not rounded.
create or replace temp macro integer_of_text(t) as (
    case when regexp_full_match(t, ' *[+-]?[0-9]+([.]0*)? *') then try_cast(t as bigint) end
);

-- A word that programs give, such as an order id or a side. The control character SUBSTITUTE stands for a value of
-- another type, or for text that is not UTF-8.
create or replace temp macro word_of_text(t) as (case when not contains(t, chr(26)) then t end);

-- A word without the blanks around it; null if nothing else is there, or what programs write for nothing: an id that many
-- orders seem to share would make them duplicates of each other. Not IN and no list: DuckDB makes a join of so many words,
-- and runs it for a column that nothing asks for, too.
create or replace temp macro stated_word(t) as (
    case
        when strlen(trim(t)) > 4 then trim(t)
        else case lower(trim(t))
            when '' then null
            when 'none' then null
            when 'null' then null
            when 'nan' then null
            when 'nil' then null
            when '<na>' then null
            else trim(t)
        end
    end
);

-- Whether the venue is done with an order, by the letters of its status: true, false, or null if the word is not known.
-- The words of Binance, OKX, Bybit, Huobi, KuCoin, Bitget, Bitfinex, Hyperliquid, Interactive Brokers, ccxt and FIX. They
-- are one pattern: DuckDB makes a join of each long list of words, and planning these takes longer than reading the log.
-- A rejected request to cancel or change an order, or a cancellation that may still fail, does not tell how it ended.
create or replace temp macro is_done_status(letters) as (
    case
        when regexp_full_match(
            letters,
            'NEW|OPEN|OPENED|LIVE|CREATED|CREATE|ACTIVE|ACCEPTED|ACK|ACKNOWLEDGED|SUBMITTED|SUBMITTING|'
            || 'PRESUBMITTED|APIPENDING|PENDING|PENDINGNEW|PENDINGOPEN|PENDINGSUBMIT|PENDINGCANCEL|PENDINGREPLACE|'
            || 'PENDINGUPDATE|PENDINGCREATE|CANCELING|CANCELLING|INIT|INITIAL|INITIALIZED|EMULATED|RELEASED|'
            || 'PREPARING|PREPARE|QUEUED|RECEIVED|PLACED|RESTING|WORKING|WAIT|WAITING|WATCH|UNTRIGGERED|TRIGGERED|'
            || 'NOTTRIGGERED|HELD|SUSPENDED|INPROGRESS|PROCESSING|REPLACED|UPDATED|AMENDED|CALCULATED|PARTIAL|'
            || 'PARTIALLY|PARTIALFILL|PARTIALFILLED|PARTIALLYFILLED|PARTFILLED|PARTIALLYEXECUTED|PARTIALLYMATCHED|'
            || 'PARTIALLYTRADED'
        ) then false
        when regexp_full_match(
            letters,
            'FILLED|FILL|FULLFILL|FULLFILLED|FULLYFILLED|EXECUTED|FULLYEXECUTED|CLOSED|DONE|COMPLETE|COMPLETED|'
            || 'MATCHED|TRADED|FINISHED|SETTLED|CANCEL|REJECT|EXPIRE|EXPIREDINMATCH|DENIED|FAIL|FAILED|DEACTIVATED|'
            || 'INACTIVE|KILLED|VOIDED|DONEFORDAY'
        ) or (
            regexp_matches(letters, '(CANCELL?ED|REJECTED|EXPIRED)$')
            and not regexp_matches(letters, 'PENDING|BESTEFFORT|(CANCEL|MODIF|REPLACE|AMEND|UPDATE).*(REJECTED|EXPIRED)$')
        ) then true
    end
);

create or replace temp macro is_filled_status(letters) as (
    regexp_full_match(
        letters,
        'FILLED|FILL|FULLFILL|FULLFILLED|FULLYFILLED|EXECUTED|FULLYEXECUTED|COMPLETE|COMPLETED|MATCHED|TRADED|'
        || 'SETTLED'
    )
);

-- A symbol is text of 1 to 64 characters without control characters, blanks around it aside. Functions alone are computed
-- once for a name of a Parquet dictionary; a case would be computed for each row.
create or replace temp macro symbol_of_text(t) as nullif(regexp_extract(trim(t), '^[^\p{Cc}]{1,64}$'), '');

-- The same of text in which a question mark stands for bytes that are not UTF-8: it is in no market's name.
create or replace temp macro symbol_of_bytes(t) as nullif(regexp_extract(trim(t), '^[^\p{Cc}?]{1,64}$'), '');

-- The compact spelling of a symbol, as in policy/symbols.py, and held equal to it by a test.
create or replace temp macro compact_symbol(t) as (
    coalesce(
        nullif(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            translate(t, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
                            '[.][A-Z][A-Z0-9_]{2,}$', ''
                        ),
                        ':[^:-]*', '', 'g'
                    ),
                    '[-_](PERP|PERPETUAL|SWAP|LINEAR|INVERSE|SPOT)$', ''
                ),
                '[ /_-]', '', 'g'
            ),
            ''
        ),
        t
    )
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

-- The same of text and numbers only; of another value the text begins with the control character SUBSTITUTE.
create or replace temp macro word_in_json(j) as (
    case
        when cast(j as varchar) like '"%' then text_in_json(j)
        when regexp_matches(cast(j as varchar), '^[-0-9]') then cast(j as varchar)
        else chr(26) || cast(j as varchar)
    end
);

-- The text of a field of an object; of a value that is not an object as above.
create or replace temp macro field_in_json(j, path) as (
    case when cast(j as varchar) like '{%' then j ->> path else chr(26) || cast(j as varchar) end
);

create or replace temp macro is_unread(t, v) as (v is null and t is not null and t <> '');

-- The name of a column and the text in it that could not be read, with a blank between them.
create or replace temp macro unread(name, t, v) as (case when is_unread(t, v) then name || ' ' || t end);

-- The JSON object in a text. Some databases keep the text of the object once more as a JSON string.
create or replace temp macro object_of_text(t) as (
    case json_type(try_cast(t as json))
        when 'OBJECT' then try_cast(t as json)
        when 'VARCHAR' then
            case json_type(try_cast(json_extract_string(try_cast(t as json), '$') as json))
                when 'OBJECT' then try_cast(json_extract_string(try_cast(t as json), '$') as json)
            end
    end
);

-- Numbers outside this range are mistakes, and sums and ratios of them could leave the range of a double; as in
-- canonical.py, which rejects the same rows of files that carry their types.
create or replace temp macro is_out_of_range(n) as (abs(n) > 1e18);
create or replace temp macro is_out_of_price_range(n) as (abs(n) > 1e18 or (abs(n) < 1e-18 and n <> 0));
create or replace temp macro out_of_range(name, t, n) as (case when is_out_of_price_range(n) then name || ' ' || t end);

-- A price of Nautilus as its catalog keeps it: a whole number in 16 bytes, or in 8 of a build of less precision, the lowest
-- byte first; null of one below zero.
create or replace temp macro nautilus_price(b) as (
    case
        when octet_length(b) in (8, 16)
            then nullif(
                try_cast(
                    '0x' || array_to_string(list_reverse(regexp_extract_all(hex(b), '..')), '') as uhugeint
                ), case when octet_length(b) = 16 then 170141183460469231731687303715884105728::uhugeint end
            ) / case when octet_length(b) = 16 then 1e16 else 1e9 end
    end
);

-- Where and when a maker order rested. The bot's clock gives one of the times and the venue's the other, perhaps: if these
-- contradict each other, neither is known.
create or replace temp macro post_of(price, begun_at, ended_at) as (
    {
        'price': nullif(price, 0),
        'begun_at': case when ended_at >= begun_at then begun_at end,
        'ended_at': case when ended_at >= begun_at then ended_at end
    }
);

-- The slippage in bps of a fill against a reference price, + is a cost; null without both prices.
create or replace temp macro slippage_against(reference, price, side) as (
    case
        when price > 0 and reference > 0
            then case side when 'BUY' then 1 else -1 end * (price - reference) / reference * 1e4
    end
);
