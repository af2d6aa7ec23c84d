// How many calls an hour to expect follows what is ticked. The account that is chosen for a new loop brings the counts,
// and the fields that its profiles have.
(() => {
  "use strict";
  const picker = document.querySelector("[data-picker]");
  if (!picker) return;
  const words = picker.dataset;
  const boxes = [...picker.querySelectorAll("input[type=checkbox]")];
  const total = picker.querySelector("[data-total]");
  const grouped = (number) => number.toLocaleString("en");

  const add = () => {
    if (boxes.some((box) => box.dataset.events === undefined)) return;
    const sum = boxes.reduce((all, box) => all + (box.checked ? Number(box.dataset.events) : 0), 0);
    const hourly = Math.round(sum / (Number(words.hours) * 24));
    const some = hourly > 1 ? words.some.replace("%(number)s", grouped(hourly)) : hourly ? words.one : words.few;
    const said = sum ? some : words.none;
    if (total.textContent !== said) total.textContent = said;
  };
  const fill = (counts) => {
    for (const box of boxes) {
      box.dataset.events = counts[box.value] || 0;
      const shown = picker.querySelector(`[data-of="${box.value}"]`);
      shown.textContent = words.count.replace("%(number)s", grouped(counts[box.value] || 0));
    }
    add();
  };
  const follow = (account) => {
    const fetched = async (part) => {
      const chosen = account.value;
      const answer = await fetch(`${part}/?${new URLSearchParams({ account: chosen })}`, { redirect: "manual" });
      // Another one may have been chosen meanwhile.
      return answer.status === 200 && account.value === chosen ? answer : null;
    };
    const ask = async () => {
      if (!account.value) return;
      const [counts, offered] = await Promise.all([fetched("expected"), fetched("fields")]);
      if (counts) fill(await counts.json());
      const fields = document.getElementById("id_only_fields");
      if (offered && fields) fields.outerHTML = await offered.text();
    };
    // The list that is found by typing tells its news through jQuery only.
    if (window.django?.jQuery) window.django.jQuery(account).on("change", ask);
    else account.addEventListener("change", ask);
  };

  picker.addEventListener("change", add);
  const account = document.querySelector("select#id_account");
  if (account) follow(account);
  add();
})();
