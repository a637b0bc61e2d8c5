// The page of overrides: shows what an override would change before it is made, and makes or ends one. The token stays
// in its field and goes into a header, which no other page can send.
"use strict";

(() => {
  const TOKEN_HEADER = "Router-Policy-Write-Token";
  const PATIENCE_MILLISECONDS = 20000;
  const newForm = document.getElementById("new-override");
  const endForm = document.getElementById("end-override");
  const confirm = newForm.querySelector(".confirm");
  let previewed = null; // what the server said that the fields would do
  let ending = null; // the number of the override to end

  async function ask(address, options = {}) {
    let answer;
    try {
      answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MILLISECONDS), ...options });
    } catch {
      throw new Error("The console cannot be reached; look at the list below before you try again.");
    }
    const record = await answer.json();
    if (!answer.ok) throw new Error(`Refused: ${record.error.message}`);
    return record;
  }

  function send(address, form, body) {
    const headers = { "Content-Type": "application/json", [TOKEN_HEADER]: form.elements.token.value };
    return ask(address, { method: "POST", headers, body: JSON.stringify(body) });
  }

  function say(form, text) {
    form.querySelector(".preview").textContent = text;
  }

  function decisionWords(isMaker, bias) {
    return `${isMaker ? "maker first" : "straight to taker"}, ${bias.replaceAll("_", " ")}`;
  }

  function time(text) {
    return `${text.slice(0, 16)}Z`;
  }

  function previewWords(preview) {
    const next = decisionWords(preview.maker_first, preview.taker_bias);
    const current = decisionWords(preview.maker_first_now, preview.taker_bias_now);
    const by = preview.override_id_now === null ? `as computed, quality ${preview.quality}` : `by override ${preview.override_id_now}, which this covers`;
    return `${preview.symbol} would go ${next}, until ${time(preview.until_at)}. Now it goes ${current} (${by}).`;
  }

  function wanted() {
    const { symbol, maker_first: route, taker_bias: bias, lasting_seconds: length } = newForm.elements;
    return {
      symbol: symbol.value.trim(), maker_first: route.value === "true", lasting_seconds: Number(length.value),
      ...(bias.value ? { taker_bias: bias.value } : {}),
    };
  }

  function forget() {
    previewed = null;
    confirm.hidden = true;
    say(newForm, "");
  }

  // While a request is under way the form takes no second one.
  async function busy(form, work) {
    const buttons = [...form.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (error) {
      say(form, error.message);
    }
    for (const button of buttons) button.disabled = false;
  }

  newForm.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(newForm, async () => {
      forget();
      previewed = await ask(`/v1/overrides/preview?${new URLSearchParams(wanted())}`);
      say(newForm, previewWords(previewed));
      confirm.hidden = false;
    });
  });

  confirm.addEventListener("click", () => busy(newForm, async () => {
    const seen = previewed.newest_entry_id;
    previewed = null;
    confirm.hidden = true;
    const body = { ...wanted(), reason: newForm.elements.reason.value, newest_entry_id: seen };
    const made = await send("/v1/overrides", newForm, body);
    newForm.elements.reason.value = "";
    say(newForm, `Override ${made.override_id} is in force: ${made.symbol} goes ${decisionWords(made.maker_first, made.taker_bias)}, until ${time(made.until_at)}.`);
  }));

  // What was previewed is what is sent: a change of the fields asks for a new preview.
  for (const name of ["symbol", "maker_first", "taker_bias", "lasting_seconds"]) {
    newForm.elements[name].addEventListener("input", forget);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-end]");
    if (!button) return;
    ending = button.dataset.end;
    endForm.querySelector(".which").textContent = `End override ${ending} of ${button.dataset.of}; its policy is the computed one again.`;
    say(endForm, "");
    endForm.hidden = false;
    endForm.elements.reason.focus();
  });

  endForm.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(endForm, async () => {
      const ended = await send(`/v1/overrides/${ending}/end`, endForm, { reason: endForm.elements.reason.value });
      endForm.elements.reason.value = "";
      endForm.hidden = true;
      say(newForm, `Override ${ended.override_id} of ${ended.symbol} is ended.`);
    });
  });

  endForm.querySelector(".cancel").addEventListener("click", () => { endForm.hidden = true; });
})();
