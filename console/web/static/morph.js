// Changes a part of a page into what the server sent, and touches nothing that is the same: the keyboard, opened
// details and what a script has drawn stay.
"use strict";

(() => {
  function keyOf(node) {
    return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id || "" : "";
  }

  function isAlike(node, wanted) {
    return node.nodeType === wanted.nodeType && node.nodeName === wanted.nodeName && keyOf(node) === keyOf(wanted);
  }

  function morphAttributes(element, wanted) {
    for (const { name } of [...element.attributes]) {
      const isChoice = name === "open" && element.nodeName === "DETAILS"; // a person's, not the server's
      if (!isChoice && !wanted.hasAttribute(name)) element.removeAttribute(name);
    }
    for (const { name, value } of wanted.attributes) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
  }

  function morphNode(node, wanted) {
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    } else if (wanted.hasAttribute("data-own")) { // a script of the page draws what is in it
      for (const [name, value] of Object.entries(wanted.dataset)) node.dataset[name] = value;
    } else {
      morphAttributes(node, wanted);
      morphChildren(node, wanted);
    }
  }

  // Remove the blanks before an element, and return the element.
  function afterBlanks(node) {
    while (node && node.nodeType === Node.TEXT_NODE && node.nodeValue.trim() === "") {
      const rest = node.nextSibling;
      node.remove();
      node = rest;
    }
    return node;
  }

  function morphChildren(parent, wantedParent) {
    const keyed = new Map([...parent.children].filter(keyOf).map((child) => [keyOf(child), child]));
    let next = parent.firstChild;
    for (const wanted of [...wantedParent.childNodes]) {
      if (wanted.nodeType === Node.ELEMENT_NODE) next = afterBlanks(next); // or an element would not meet its like
      const sameKey = keyed.get(keyOf(wanted));
      const match = sameKey && isAlike(sameKey, wanted) ? sameKey : next && isAlike(next, wanted) ? next : null;
      if (match === null) {
        parent.insertBefore(document.importNode(wanted, true), next);
        continue;
      }
      if (match === next) next = next.nextSibling;
      else parent.insertBefore(match, next);
      morphNode(match, wanted);
    }
    while (next) {
      const rest = next.nextSibling;
      next.remove();
      next = rest;
    }
  }

  // Change the children of an element into those of another one; the element with the keyboard keeps it.
  window.routerPolicyMorph = (element, wanted) => {
    const focused = document.activeElement;
    morphChildren(element, wanted);
    if (focused && focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  };
})();
