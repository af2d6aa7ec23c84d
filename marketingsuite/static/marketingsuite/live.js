// Comfort for pages that work without: lists follow what happens, retries are counted down, texts can be copied at a
// press.
(() => {
  "use strict";
  const EVERY = 1500;
  const list = document.querySelector("[data-live-list]");
  // How far the clock of the server is ahead of the browser's, in milliseconds.
  let skew = 0;

  const inWords = (seconds) => {
    const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
    const first = Math.max(0, parts.findIndex(([length]) => seconds >= length));
    return parts
      .slice(first === -1 ? 3 : first, first + 2)
      .map(([length, unit], place) => [Math.floor((place ? seconds % parts[first][0] : seconds) / length), unit])
      .filter(([number], place) => number || !place)
      .map(([number, unit]) => `${number} ${unit}`)
      .join(" ");
  };

  const countDown = () => {
    for (const time of document.querySelectorAll("time[data-countdown]")) {
      const left = Math.round((Date.parse(time.dateTime) - Date.now() - skew) / 1000);
      time.textContent = left > 0 ? time.dataset.countdown.replace("%s", inWords(left)) : time.dataset.due;
    }
  };

  const follow = () => {
    const state = document.querySelector("[data-live-state]");
    const button = document.querySelector("[data-live-switch]");
    const reload = document.querySelector("[data-live-reload]");
    let stopped = false, pointed = false, trouble = "", busy = false, known = "", lifted;

    const held = () => {
      if (stopped) return "stopped";
      if (list.querySelector("input:checked")) return "ticked";
      if (pointed || list.contains(document.activeElement)) return "pointer";
      return "";
    };
    const tell = () => {
      const why = held() || trouble || "live";
      if (state.dataset.now === why) return;
      state.dataset.now = why;
      state.textContent = state.dataset[why];
      button.textContent = stopped ? button.dataset.go : button.dataset.stop;
    };
    const put = (html) => {
      const before = new Set([...list.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
      list.innerHTML = html;
      for (const row of list.querySelectorAll("[data-row]")) {
        if (before.size && !before.has(row.dataset.row)) row.classList.add("is-new");
      }
      countDown();
    };
    const look = async () => {
      tell();
      if (busy || held() || document.hidden) return;
      busy = true;
      try {
        // Nobody uses the page while it follows by itself: the session is not kept alive.
        const headers = { "X-By-Itself": "1", ...(known && { "If-None-Match": known }) };
        const answer = await fetch(list.dataset.liveList, { headers, cache: "no-store", redirect: "manual" });
        if (answer.status === 200) {
          const html = await answer.text();
          const first = known === "";
          known = answer.headers.get("ETag") || "";
          if (!held() && !(first && html.trim() === list.innerHTML.trim())) put(html);
          else if (held()) known = "";
        }
        // A redirect leads to the login.
        trouble = answer.type === "opaqueredirect" ? "ended" : answer.status === 200 || answer.status === 304 ? "" : "away";
        const date = Date.parse(answer.headers.get("Date"));
        if (date) skew = date - Date.now();
      } catch {
        trouble = "away";
      } finally {
        busy = false;
        tell();
      }
    };

    const leave = () => { pointed = false; look(); };
    list.addEventListener("pointerenter", (event) => { pointed = event.pointerType !== "touch"; tell(); });
    list.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") leave(); });
    // A finger never rests on the list, and what it is about to tap must not move away.
    list.addEventListener("touchstart", () => {
      pointed = true;
      clearTimeout(lifted);
      lifted = setTimeout(leave, 4000);
      tell();
    }, { passive: true });
    list.addEventListener("change", tell);
    list.addEventListener("focusin", tell);
    list.addEventListener("focusout", () => setTimeout(look));
    button.addEventListener("click", () => { stopped = !stopped; tell(); look(); });
    document.addEventListener("visibilitychange", look);
    state.hidden = button.hidden = false;
    reload.hidden = true;
    tell();
    setInterval(look, EVERY);
  };

  const offerCopies = () => {
    for (const button of document.querySelectorAll("[data-copy]")) {
      if (!navigator.clipboard) continue;
      if (!button.hidden) continue;
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
        const label = button.textContent;
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = label; }, 2000);
      });
    }
  };

  const fetched = async (part) => {
    const answer = await fetch(part.dataset.follow, {
      headers: { "X-By-Itself": "1" }, cache: "no-store", redirect: "manual",
    });
    // A redirect leads to the login.
    if (answer.type === "opaqueredirect") return undefined;
    if (answer.status !== 200) throw new Error("away");
    const frame = document.createElement("template");
    frame.innerHTML = (await answer.text()).trim();
    return frame.content.firstElementChild;
  };

  const swap = (part, fresh) => {
    const focused = part.contains(document.activeElement) && document.activeElement;
    const place = focused ? [...part.querySelectorAll("a, button, summary")].indexOf(focused) : -1;
    part.replaceWith(fresh);
    if (focused) (fresh.querySelectorAll("a, button, summary")[place] || fresh.closest("section")).focus();
    offerCopies();
  };

  // Once what a part of the page waits for has come, it and the others that may tell of it are shown anew.
  const awaitParts = async () => {
    const waiting = [...document.querySelectorAll("[data-follow][data-pending]")];
    let came = false;
    for (const part of document.hidden ? [] : waiting) {
      try {
        const fresh = await fetched(part);
        if (!fresh) return;
        if (fresh.hasAttribute("data-pending")) continue;
        came = true;
        swap(part, fresh);
        const news = [...fresh.querySelectorAll("[data-news]")].map((each) => each.textContent.trim());
        document.querySelector("[data-told]").textContent = news.join(" ");
      } catch { /* No connection: the next turn may have one. */ }
    }
    if (came) await refresh();
    if (waiting.length) setTimeout(awaitParts, 1000);
  };

  const refresh = async () => {
    for (const part of document.querySelectorAll("[data-follow]:not([data-pending])")) {
      try {
        const fresh = await fetched(part);
        if (fresh) swap(part, fresh);
      } catch { /* What is shown is a little old. */ }
    }
  };

  countDown();
  awaitParts();
  setInterval(countDown, 1000);
  offerCopies();
  if (list) follow();
})();
