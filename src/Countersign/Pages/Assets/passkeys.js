"use strict";
// Forms that carry a passkey's answer: the browser is asked first, then the form is sent with what it said.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const passkeys = window.PublicKeyCredential;
  if (!passkeys?.parseCreationOptionsFromJSON) continue;
  form.hidden = false;
  const { credential } = form.elements;
  form.addEventListener("submit", async event => {
    if (credential.value) return;
    event.preventDefault();
    event.stopPropagation();
    const failed = form.querySelector(".error");
    failed.hidden = true;
    try {
      const options = JSON.parse(form.dataset.options);
      const answer =
        form.dataset.passkey === "create"
          ? await navigator.credentials.create({ publicKey: passkeys.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: passkeys.parseRequestOptionsFromJSON(options) });
      credential.value = JSON.stringify(answer);
      form.requestSubmit();
    } catch {
      failed.hidden = false;
    }
  });
}
