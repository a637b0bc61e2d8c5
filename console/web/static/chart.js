// A symbol's chart: panels of figures over time, one below the other, with their thresholds, what was decided shaded
// behind them, marks of events, and one readout for all panels under the pointer.
"use strict";

(() => {
  const DAY_SECONDS = 86400;
  const AXIS_WIDTH = 52;
  const NARROW_WIDTH = 600;
  const MOST_SHADES = 400;
  const MARK_REACH_PIXELS = 8;
  const { isLocal, timeWords, zoneWords } = window.routerPolicyTimes;
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

  // The points and the slots without a run, in the order of time; `index` is null if there was no run.
  function rowsOf(record) {
    const rows = record.points.slot.map((slot, index) => ({ at: seconds(slot), index }));
    rows.push(...record.gaps.map((slot) => ({ at: seconds(slot), index: null })));
    return rows.sort((row, other) => row.at - other.at);
  }

  // Stretches in which the decision was the same, or no run took place.
  function stretchesOf(rows, points) {
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

  function placeLayers(plot, view, panel, thresholds) {
    for (const stretch of view.stretches) {
      placeSpan(plot, plot.under, `shade ${stretch.quality}${stretch.isMaker ? "" : " taker"}`, stretch.from, stretch.to);
    }
    placeThresholds(plot, thresholds);
    placeOverrides(plot, view, panel === PANELS[0]);
    for (const mark of view.marks) placeSpan(plot, plot.over, `mark ${mark.kind}`, mark.at, mark.at);
  }

  // What the whole chart shows: rows, overrides and marks within its time.
  function viewOf(record, now, marks) {
    const rows = rowsOf(record);
    const [first, last] = [rows[0].at, Math.max(rows[rows.length - 1].at, now)];
    const overrides = record.overrides.map((override) => ({
      from: Math.max(seconds(override.from_at), first), to: Math.min(seconds(override.to_at), last),
      isMaker: override.maker_first, words: `by hand: ${routeWords(override.maker_first, override.taker_bias)}`,
      why: `${override.author}: ${override.reason}`,
    })).filter((override) => override.from < override.to);
    const until = Math.max(rows[rows.length - 1].at, ...overrides.map((override) => override.to));
    const within = marks.map((mark) => ({ ...mark, at: seconds(mark.at) })).filter((mark) => mark.at >= first && mark.at <= until);
    return { record, rows, stretches: stretchesOf(rows, record.points), overrides, marks: within, first, until };
  }

  function rowBefore(rows, at) {
    let index = rows.length - 1;
    while (index > 0 && rows[index].at > at) index -= 1;
    return index;
  }

  function readoutLines(plot, view, at) {
    const { points } = view.record;
    const reachSeconds = plot.posToVal(MARK_REACH_PIXELS, "x") - plot.posToVal(0, "x");
    const row = view.rows[rowBefore(view.rows, at)];
    const time = `${timeWords(row.at)} ${zoneWords(row.at)}`;
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
    readout.replaceChildren();
    for (const line of readoutLines(plot, view, chosen ?? plot.posToVal(left, "x"))) place(readout, "", line);
    const space = plot.over.clientWidth;
    const onLeft = left > space / 2;
    readout.style.left = onLeft ? "" : `${AXIS_WIDTH + left + 16}px`;
    readout.style.right = onLeft ? `${readout.parentElement.clientWidth - AXIS_WIDTH - left + 16}px` : "";
  }

  function timeLabels(splits, increment) {
    return splits.map((at, index) => {
      const [date, time] = timeWords(at).split(" ");
      if (increment >= DAY_SECONDS) return index === 0 ? date : date.slice(5);
      return index === 0 || time === "00:00" ? `${time}\n${date}` : time;
    });
  }

  function axes(panel) {
    const shared = { stroke: colour("text"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    const labels = (plot, splits, axis, space, increment) => timeLabels(splits, increment);
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
    const pickDate = isLocal() ? (at) => new Date(at * 1000) : (at) => uPlot.tzDate(new Date(at * 1000), "UTC");
    const zoom = (plot) => {
      const [from, to] = [plot.select.left, plot.select.left + plot.select.width].map((left) => plot.posToVal(left, "x"));
      const first = rowBefore(view.rows, from);
      if (rowBefore(view.rows, to) > first) onZoom(view.rows[first].at, to);
    };
    const thresholds = thresholdsOf(panel, view.record);
    title(container, panel);
    return new uPlot({
      width, height: panel.height, tzDate: pickDate, series: series(panel), axes: axes(panel),
      bands: panel.band ? [{ series: [2, 1], fill: `${colour("ok")}55` }] : [],
      padding: [6, gutter, 0, 0], legend: { show: false },
      scales: {
        x: { range: [view.first, Math.max(view.until, view.first + 1)] },
        y: { range: rangeOf(panel, view.record.points, thresholds) },
      },
      cursor: {
        y: false, sync: { key: "router-policy" }, drag: { x: true, y: false, setScale: false },
        dataIdx: (self, index, hovered, at) => rowBefore(view.rows, at), bind: { dblclick: () => null },
      },
      hooks: {
        ready: [(self) => { placeLayers(self, view, panel, thresholds); if (panel === PANELS.at(-1)) moveCursor(0); }],
        setCursor: [(self) => { if (panel === PANELS[0]) showReadout(self, view, readout); }],
        setSelect: [zoom],
      },
    }, dataOf(panel, view), container);
  }

  let plots = [];
  let shown = null;
  let chosen = null; // the time that the keyboard has chosen, in seconds; null: the pointer chooses

  // Move the cursor to the row that is so many rows away, and return the lines of the readout; without a cursor the
  // first step is to the last row.
  function moveCursor(step) {
    const [plot] = plots;
    if (!plot || (chosen === null && step === 0)) return [];
    const last = shown.rows.length - 1;
    const from = chosen === null ? shown.rows.length : rowBefore(shown.rows, chosen);
    chosen = shown.rows[Math.min(Math.max(from + step, 0), last)].at;
    plot.setCursor({ left: plot.valToPos(chosen, "x"), top: 0 }, true, true);
    return readoutLines(plot, shown, chosen);
  }

  function leaveCursor() {
    chosen = null;
    plots[0]?.setCursor({ left: -10, top: -10 }, true, true);
  }

  // Draw a record of the API anew. `now` in seconds ends overrides that still last; `onZoom` gets the two ends of a drag.
  function draw(container, record, { now, marks, onZoom }) {
    for (const plot of plots) plot.destroy();
    container.replaceChildren();
    const view = viewOf(record, now, marks);
    const readout = document.createElement("div");
    readout.className = "readout";
    readout.hidden = true;
    shown = view;
    plots = PANELS.map((panel) => drawPanel(container, panel, view, readout, onZoom));
    place(container, "zone", `Times are in ${isLocal() ? "local time, " : ""}${zoneWords(view.first)}`);
    container.append(readout);
    container.onpointermove = () => { chosen = null; };
  }

  window.routerPolicyChart = { draw, moveCursor, leaveCursor };
})();
