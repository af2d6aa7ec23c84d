// The answer to a test call shows by itself; without this, the page is loaded again until it is there.
(() => {
  "use strict";
  const EVERY = 700;
  const result = document.querySelector("[data-result]");
  if (!result) return;

  const look = async () => {
    try {
      const answer = await fetch(result.dataset.result, { cache: "no-store", redirect: "manual" });
      // A redirect leads to the login, and so does loading the page.
      if (answer.type === "opaqueredirect") return location.reload();
      if (answer.status === 200) {
        const html = await answer.text();
        if (!html.includes("data-waiting")) return location.reload();
      }
    } catch {
      // No connection for a moment: the next look may have one.
    }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY / 2);
})();
