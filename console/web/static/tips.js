// Explanations of words: they appear under the mouse and with the keyboard too; a finger needs no script.
"use strict";

(() => {
  function textOf(target) {
    return target instanceof Element ? target.closest(".tip")?.popoverTargetElement : null;
  }

  function show(target) {
    const text = textOf(target);
    if (text && !text.matches(":popover-open")) text.showPopover({ source: target.closest(".tip") });
  }

  function hide(target) {
    const text = textOf(target);
    if (text?.matches(":popover-open")) text.hidePopover();
  }

  document.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") show(event.target); });
  document.addEventListener("pointerout", (event) => { if (event.pointerType === "mouse") hide(event.target); });
  document.addEventListener("focusin", ({ target }) => { if (target.matches(":focus-visible")) show(target); });
  document.addEventListener("focusout", ({ target }) => hide(target));
})();
