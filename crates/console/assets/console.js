// What pages do better with a script, and can do without.
"use strict";

// A form that could not be taken: what is wrong is read out first.
document.querySelector("[data-focus]")?.focus();

// Copy buttons. They are hidden where there is no script: the text beside them can be selected.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.querySelector(".spectrum-Button-label");
  const before = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      label.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      label.textContent = "Selected";
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}
