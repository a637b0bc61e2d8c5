// A symbol's pictures: ratios, slippage and the ATR ratio over time, with thresholds, and states shaded behind them.
"use strict";

(() => {
  const DAY = 86400;
  const MOST_SHADES = 400;
  const picture = document.getElementById("picture");
  const state = document.getElementById("picture-state");
  const spans = document.getElementById("spans");
  let shown = null;
  let daysShown = 3;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  // Stretches in which the decision was the same: [from, to, quality, maker first].
  function stretches(points, until) {
    const found = [];
    points.slot.forEach((slot, index) => {
      const last = found[found.length - 1];
      const quality = points.quality[index];
      const isMaker = points.maker_first[index];
      if (last && last.quality === quality && last.isMaker === isMaker) return;
      if (last) last.to = slot;
      found.push({ from: slot, to: until, quality, isMaker });
    });
    return found;
  }

  function shades(points) {
    const all = stretches(points, points.slot[points.slot.length - 1]);
    return all.slice(-MOST_SHADES).map((one) => ({
      type: "rect", xref: "x", yref: "paper", x0: one.from, x1: one.to, y0: 0, y1: 1, layer: "below",
      fillcolor: colour(`${one.quality}-soft`), opacity: 0.8,
      line: one.isMaker ? { width: 0 } : { width: 1, dash: "dash", color: colour("text") },
    }));
  }

  // What was in force by hand: a frame, with the decision, over what was computed.
  function overrides(record) {
    const slots = record.points.slot;
    const first = Date.parse(slots[0]);
    const last = Math.max(Date.parse(slots[slots.length - 1]), Number(picture.dataset.now) * 1000);
    return record.overrides.filter((override) => Date.parse(override.to_at) > first).map((override) => ({
      type: "rect", xref: "x", yref: "paper", y0: 0, y1: 1, layer: "above", name: "override",
      x0: new Date(Math.max(Date.parse(override.from_at), first)).toISOString(),
      x1: new Date(Math.min(Date.parse(override.to_at), last)).toISOString(),
      line: { width: 2, color: colour("text") },
      label: {
        text: `by hand: ${override.maker_first ? "maker first" : "taker"}`, textposition: "top left",
        font: { size: 11, color: colour("text") },
      },
    }));
  }

  function bounds(thresholds) {
    const lines = [
      ["y", "broken_fallback_ratio", "broken"], ["y", "degraded_fallback_ratio", "degraded"],
      ["y", "good_maker_fill_ratio", "good"], ["y2", "broken_slip_q50_bps", "broken"],
      ["y2", "degraded_slip_q50_bps", "degraded"], ["y2", "good_slip_q50_bps", "good"],
      ["y3", "quiet_atr_ratio", "ok"], ["y3", "normal_atr_ratio", "degraded"], ["y3", "hot_atr_ratio", "broken"],
    ];
    return lines.filter(([, name]) => name in thresholds).map(([axis, name, word]) => ({
      type: "line", xref: "paper", yref: axis, x0: 0, x1: 1, y0: thresholds[name], y1: thresholds[name],
      line: { color: colour(word), width: 1.5, dash: "dot" },
      label: { text: name.replaceAll("_", " "), textposition: "end", font: { size: 10, color: colour(word) } },
    }));
  }

  function line(points, name, label, axis, tint, more = {}) {
    return {
      x: points.slot, y: points[name], name: label, yaxis: axis, type: "scatter", mode: "lines",
      line: { color: tint, width: 2, shape: "hv" }, connectgaps: false, ...more,
    };
  }

  function traces(points) {
    const edge = { line: { width: 0, shape: "hv" }, showlegend: false };
    return [
      line(points, "maker_fill_ratio", "maker fill ratio", "y", colour("good")),
      line(points, "fallback_ratio", "fallback ratio", "y", colour("broken")),
      line(points, "slip_q25", "lower quartile", "y2", colour("ok"), edge),
      line(points, "slip_q75", "slippage quartiles", "y2", colour("ok"),
        { ...edge, fill: "tonexty", fillcolor: colour("ok") + "55", showlegend: true }),
      line(points, "slip_q50", "median slippage", "y2", colour("link")),
      line(points, "atr_ratio", "ATR ratio", "y3", colour("text")),
    ];
  }

  function layout(record) {
    const axis = { gridcolor: colour("line"), zerolinecolor: colour("line"), fixedrange: true };
    return {
      height: 620, margin: { l: 60, r: 20, t: 10, b: 40 }, hovermode: "x unified", dragmode: "zoom",
      paper_bgcolor: colour("ground"), plot_bgcolor: colour("ground"), font: { color: colour("text") },
      legend: { orientation: "h", yanchor: "bottom", y: 1.01 },
      xaxis: { type: "date", anchor: "y3", gridcolor: colour("line"), title: { text: "UTC" } },
      yaxis: { ...axis, domain: [0.7, 1], title: { text: "ratio" }, range: [-0.03, 1.03] },
      yaxis2: { ...axis, domain: [0.36, 0.64], title: { text: "slippage bps" } },
      yaxis3: { ...axis, domain: [0, 0.3], title: { text: "ATR ratio" }, rangemode: "tozero" },
      shapes: [...shades(record.points), ...bounds(record.thresholds), ...overrides(record)],
    };
  }

  async function draw() {
    if (!shown) return;
    const options = { displayModeBar: false, responsive: true };
    await Plotly.react(picture, traces(shown.points), layout(shown), options);
    picture.dataset.drawn = String(shown.points.slot.length);
  }

  async function load(days) {
    daysShown = days;
    const end = Number(picture.dataset.end);
    const since = days > 0 && end ? new Date((end - days * DAY) * 1000) : new Date(0);
    if (!shown) state.textContent = "Loading";
    try {
      const answer = await fetch(`${picture.dataset.series}?since=${since.toISOString()}`);
      const record = await answer.json();
      if (!answer.ok) throw new Error(record.error.message);
      if (days !== daysShown) return; // another length was chosen meanwhile
      shown = record;
      const count = record.points.slot.length;
      state.textContent = count ? "Drag across the picture to look closer; double-click to see all again." : "No run in this time.";
      picture.hidden = count === 0;
      if (count) await draw();
    } catch (error) {
      state.textContent = `The picture cannot be drawn: ${error.message}`;
    }
  }

  spans.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-days]");
    if (!button) return;
    for (const one of spans.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one === button));
    load(Number(button.dataset.days));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("router-policy:update", () => load(daysShown));
  load(daysShown);
})();
