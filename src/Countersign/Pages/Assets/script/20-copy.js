"use strict";
// Buttons that copy the field they name.
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  const text = button.textContent;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copies);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // Without TLS browsers offer no clipboard, but still this.
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.copied;
    document.getElementById("news").textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = text;
    }, 2500);
  });
}
