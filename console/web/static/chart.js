// A symbol's chart: panels of figures over time, one below the other, with their thresholds, what was decided shaded
// behind them, marks of events, and one readout for all panels under the pointer.
"use strict";

(() => {
  const DAY_SECONDS = 86400;
  const AXIS_WIDTH = 52;
  const NARROW_WIDTH = 600;
  const MOST_SHADES = 400;
  const MARK_REACH_PIXELS = 8;
  // Lines: figure, words, colour. Thresholds: parameter, the word it stands for, words of the condition, colour.
  const PANELS = [
    {
      title: "Ratio", height: 196, range: [-0.03, 1.03],
      lines: [["maker_fill_ratio", "maker fill", "good"], ["fallback_ratio", "fallback", "broken"]],
      thresholds: [
        ["broken_fallback_ratio", "broken", "fallback ≥", "broken"],
        ["degraded_fallback_ratio", "degraded", "fallback ≥", "degraded"],
        ["good_maker_fill_ratio", "good", "maker fill ≥", "good"],
        ["good_fallback_ratio", "good", "fallback ≤", "good"],
      ],
    },
    {
      title: "Slippage in bps, + is worse", height: 186, band: ["slip_q25", "slip_q75"],
      lines: [["slip_q25", "lower quartile", "ok"], ["slip_q75", "upper quartile", "ok"], ["slip_q50", "median", "link"]],
      thresholds: [
        ["broken_slip_q50_bps", "broken", "median ≥", "broken"],
        ["degraded_slip_q50_bps", "degraded", "median ≥", "degraded"],
        ["good_slip_q50_bps", "good", "median ≤", "good"],
      ],
    },
    {
      title: "Volatility now against its past (ATR ratio)", height: 206, least: 0, hasTimes: true,
      lines: [["atr_ratio", "ATR ratio", "text"]],
      thresholds: [
        ["quiet_atr_ratio", "quiet", "below", "ok"],
        ["normal_atr_ratio", "normal", "below", "degraded"],
        ["hot_atr_ratio", "hot", "below", "broken"],
      ],
    },
  ];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function seconds(text) {
    return Date.parse(text) / 1000;
  }

  function figure(value) {
    return value === null ? "–" : String(Number(value.toPrecision(4)));
  }

  function routeWords(isMaker, bias) {
    return `${isMaker ? "maker first" : "straight to taker"}, ${bias.replaceAll("_", " ")}`;
  }

  // A time as people read it: 2026-04-26 06:00, in UTC or in the zone of this machine.
  function timeWords(at, isLocal) {
    const shift = isLocal ? new Date(at * 1000).getTimezoneOffset() * 60 : 0;
    return new Date((at - shift) * 1000).toISOString().slice(0, 16).replace("T", " ");
  }

  function zoneWords(at, isLocal) {
    if (!isLocal) return "UTC";
    const minutes = -new Date(at * 1000).getTimezoneOffset();
    const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `local time, UTC${minutes < 0 ? "−" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
  }

  // The points and the slots without a run, in the order of time; `index` is null if there was no run.
  function rowsOf(record) {
    const rows = record.points.slot.map((slot, index) => ({ at: seconds(slot), index }));
    rows.push(...record.gaps.map((slot) => ({ at: seconds(slot), index: null })));
    return rows.sort((row, other) => row.at - other.at);
  }

  // Stretches in which the decision was the same, or no run took place.
  function stretches(rows, points) {
    const all = [];
    for (const row of rows) {
      const isGap = row.index === null;
      const quality = isGap ? "gap" : points.quality[row.index];
      const isMaker = isGap || points.maker_first[row.index];
      const last = all[all.length - 1];
      if (last) last.to = row.at;
      if (!last || last.quality !== quality || last.isMaker !== isMaker) all.push({ from: row.at, to: row.at, quality, isMaker });
    }
    return all.slice(-MOST_SHADES);
  }

  function place(parent, className, text = "") {
    const element = document.createElement("div");
    element.className = className;
    element.textContent = text;
    parent.append(element);
    return element;
  }

  function placeSpan(plot, parent, className, from, to) {
    const element = place(parent, className);
    const left = plot.valToPos(from, "x");
    element.style.left = `${left}px`;
    element.style.width = `${Math.max(plot.valToPos(to, "x") - left, 1)}px`;
    return element;
  }

  // The lowest and highest value of a panel: its figures, and the next threshold above them.
  function rangeOf(panel, points, thresholds) {
    if (panel.range) return panel.range;
    const values = panel.lines.flatMap(([name]) => points[name]).filter((value) => value !== null);
    const highest = Math.max(...values, panel.least ?? -Infinity);
    const next = thresholds.map((threshold) => threshold.value).filter((value) => value > highest);
    const top = next.length ? Math.min(...next) : values.length ? highest : 1;
    const bottom = Math.min(...values, panel.least ?? Infinity, 0);
    const margin = 0.08 * (top - bottom);
    return [panel.least ?? bottom - margin, top + margin];
  }

  function thresholdsOf(panel, record) {
    return panel.thresholds.filter(([name]) => name in record.thresholds).map(([name, word, condition, tint]) => ({
      value: record.thresholds[name], text: `${word}: ${condition} ${figure(record.thresholds[name])}`, tint,
    }));
  }

  // Labels beside their lines, moved apart until none covers another; outside the range, at the edge with an arrow.
  function placeThresholds(plot, thresholds) {
    const height = plot.over.clientHeight;
    const labels = [...thresholds].sort((one, other) => other.value - one.value).map((threshold) => {
      const y = plot.valToPos(threshold.value, "y");
      const arrow = y < 0 ? "↑ " : y > height ? "↓ " : "";
      if (!arrow) place(plot.over, `threshold ${threshold.tint}`).style.top = `${y}px`;
      const label = place(plot.over, `threshold-label ${threshold.tint}`, arrow + threshold.text);
      return { label, size: label.offsetHeight, top: Math.min(Math.max(y, 0), height) - label.offsetHeight / 2 };
    });
    let free = -Infinity;
    for (const one of labels) {
      one.top = Math.max(one.top, free);
      free = one.top + one.size;
    }
    free = height + 8;
    for (const one of labels.reverse()) {
      one.top = Math.min(one.top, free - one.size);
      free = one.top;
      one.label.style.top = `${one.top}px`;
    }
  }

  function placeOverrides(plot, view, isFirst) {
    for (const override of view.overrides) {
      const frame = placeSpan(plot, plot.over, "by-hand-frame", override.from, override.to);
      if (isFirst) place(frame, "by-hand-word", `by hand: ${override.isMaker ? "maker first" : "taker"}`);
    }
  }

  function placeLayers(plot, view, panel) {
    for (const stretch of stretches(view.rows, view.record.points)) {
      placeSpan(plot, plot.under, `shade ${stretch.quality}${stretch.isMaker ? "" : " taker"}`, stretch.from, stretch.to);
    }
    placeThresholds(plot, thresholdsOf(panel, view.record));
    placeOverrides(plot, view, panel === PANELS[0]);
    for (const mark of view.marks) placeSpan(plot, plot.over, `mark ${mark.kind}`, mark.at, mark.at);
  }

  // What the whole chart shows: rows, overrides and marks within its time.
  function viewOf(record, now, marks, isLocal) {
    const rows = rowsOf(record);
    const [first, last] = [rows[0].at, Math.max(rows[rows.length - 1].at, now)];
    const overrides = record.overrides.map((override) => ({
      from: Math.max(seconds(override.from_at), first), to: Math.min(seconds(override.to_at), last),
      isMaker: override.maker_first, words: `by hand: ${routeWords(override.maker_first, override.taker_bias)}`,
      why: `${override.author}: ${override.reason}`,
    })).filter((override) => override.from < override.to);
    const until = Math.max(rows[rows.length - 1].at, ...overrides.map((override) => override.to));
    const within = marks.map((mark) => ({ ...mark, at: seconds(mark.at) })).filter((mark) => mark.at >= first && mark.at <= until);
    return { record, rows, overrides, marks: within, isLocal, first, until };
  }

  function rowBefore(rows, at) {
    let index = rows.length - 1;
    while (index > 0 && rows[index].at > at) index -= 1;
    return index;
  }

  function readoutLines(view, at, reachSeconds) {
    const { points } = view.record;
    const row = view.rows[rowBefore(view.rows, at)];
    const time = `${timeWords(row.at, view.isLocal)} ${zoneWords(row.at, view.isLocal).replace("local time, ", "")}`;
    const hands = view.overrides.filter((override) => override.from <= at && at < override.to);
    const marks = view.marks.filter((mark) => Math.abs(mark.at - at) <= reachSeconds).map((mark) => mark.text);
    const events = [...hands.flatMap((override) => [override.words, override.why]), ...marks];
    if (row.index === null) return [time, "no run", ...events];
    const of = (name) => points[name][row.index];
    return [
      time,
      `${of("quality")}: ${routeWords(of("maker_first"), of("taker_bias"))}`,
      `maker fill ${figure(of("maker_fill_ratio"))}, fallback ${figure(of("fallback_ratio"))}`,
      `slippage ${figure(of("slip_q50"))} bps (quartiles ${figure(of("slip_q25"))} to ${figure(of("slip_q75"))})`,
      `${of("regime")} market, ATR ratio ${figure(of("atr_ratio"))}`,
      `${of("outcome_count")} orders, ${of("maker_started_count")} started as maker, offset ${figure(of("maker_offset_bps"))} bps`,
      ...events,
    ];
  }

  function showReadout(plot, view, readout) {
    const left = plot.cursor.left;
    readout.hidden = left === undefined || left < 0;
    if (readout.hidden) return;
    const reach = plot.posToVal(MARK_REACH_PIXELS, "x") - plot.posToVal(0, "x");
    readout.replaceChildren();
    for (const line of readoutLines(view, plot.posToVal(left, "x"), reach)) place(readout, "", line);
    const space = plot.over.clientWidth;
    const onLeft = left > space / 2;
    readout.style.left = onLeft ? "" : `${AXIS_WIDTH + left + 16}px`;
    readout.style.right = onLeft ? `${readout.parentElement.clientWidth - AXIS_WIDTH - left + 16}px` : "";
  }

  function timeLabels(splits, increment, isLocal) {
    return splits.map((at, index) => {
      const [date, time] = timeWords(at, isLocal).split(" ");
      if (increment >= DAY_SECONDS) return index === 0 ? date : date.slice(5);
      return index === 0 || time === "00:00" ? `${time}\n${date}` : time;
    });
  }

  function axes(panel, isLocal) {
    const shared = { stroke: colour("text"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    const labels = (plot, splits, axis, space, increment) => timeLabels(splits, increment, isLocal);
    const times = { ...shared, size: 44, space: 70, values: labels };
    const none = { ...shared, size: 6, space: 70, values: (plot, splits) => splits.map(() => null), ticks: { show: false } };
    return [panel.hasTimes ? times : none, { ...shared, size: AXIS_WIDTH, space: 34 }];
  }

  function series(panel) {
    const stepped = uPlot.paths.stepped({ align: 1, alignGaps: 1 });
    return [{}, ...panel.lines.map(([name, label, tint]) => ({
      label, stroke: colour(tint), width: panel.band?.includes(name) ? 0 : 2, paths: stepped, spanGaps: false,
      points: { show: false },
    }))];
  }

  function dataOf(panel, view) {
    const { points } = view.record;
    const columns = panel.lines.map(([name]) => view.rows.map((row) => (row.index === null ? null : points[name][row.index])));
    return [view.rows.map((row) => row.at), ...columns];
  }

  function title(container, panel) {
    const heading = place(container, "panel-title", `${panel.title}: `);
    for (const [, label, tint] of panel.lines) place(heading, `key ${tint}`, label);
  }

  function drawPanel(container, panel, view, readout, onZoom) {
    const width = container.clientWidth;
    const gutter = width < NARROW_WIDTH ? 84 : 150;
    const pickDate = view.isLocal ? (at) => new Date(at * 1000) : (at) => uPlot.tzDate(new Date(at * 1000), "UTC");
    const zoom = (plot) => {
      const [from, to] = [plot.select.left, plot.select.left + plot.select.width].map((left) => plot.posToVal(left, "x"));
      const first = rowBefore(view.rows, from);
      if (rowBefore(view.rows, to) > first) onZoom(view.rows[first].at, to);
    };
    title(container, panel);
    return new uPlot({
      width, height: panel.height, tzDate: pickDate, series: series(panel), axes: axes(panel, view.isLocal),
      bands: panel.band ? [{ series: [2, 1], fill: `${colour("ok")}55` }] : [],
      padding: [6, gutter, 0, 0], legend: { show: false },
      scales: {
        x: { range: [view.first, Math.max(view.until, view.first + 1)] },
        y: { range: rangeOf(panel, view.record.points, thresholdsOf(panel, view.record)) },
      },
      cursor: {
        y: false, sync: { key: "router-policy" }, drag: { x: true, y: false, setScale: false },
        dataIdx: (self, index, hovered, at) => rowBefore(view.rows, at), bind: { dblclick: () => null },
      },
      hooks: {
        ready: [(self) => placeLayers(self, view, panel)],
        setCursor: [(self) => { if (panel === PANELS[0]) showReadout(self, view, readout); }],
        setSelect: [zoom],
      },
    }, dataOf(panel, view), container);
  }

  let plots = [];

  // Draw a record of the API anew. `now` in seconds ends overrides that still last; `onZoom` gets the two ends of a drag.
  window.routerPolicyChart = (container, record, { now, marks, isLocal, onZoom }) => {
    for (const plot of plots) plot.destroy();
    container.replaceChildren();
    const view = viewOf(record, now, marks, isLocal);
    const readout = document.createElement("div");
    readout.className = "readout";
    readout.hidden = true;
    plots = PANELS.map((panel) => drawPanel(container, panel, view, readout, onZoom));
    place(container, "zone", `Times are in ${zoneWords(view.first, isLocal)}`);
    container.append(readout);
  };
})();
