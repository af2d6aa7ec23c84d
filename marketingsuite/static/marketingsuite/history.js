// Comfort on the pages of the history: all of them say the same without it.
"use strict";

// "2 min 5 s", as the server writes it.
function shortTime(seconds) {
    const units = [["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]];
    for (const [unit, length, smaller, part] of units) {
        if (seconds >= length) {
            const rest = Math.floor((seconds % length) / part);
            return `${Math.floor(seconds / length)} ${unit}` + (rest ? ` ${rest} ${smaller}` : "");
        }
    }
    return `${Math.floor(seconds)} s`;
}

function countDown(element) {
    const due = Date.parse(element.dateTime);
    function show() {
        const left = Math.ceil((due - Date.now()) / 1000);
        element.textContent = left > 0 ? element.dataset.in.replace("%s", shortTime(left)) : element.dataset.due;
        if (left > 0) {
            setTimeout(show, 1000 - ((Date.now() - due) % 1000 + 1000) % 1000);
        }
    }
    show();
}

async function copy(button) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
}

document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-countdown]").forEach(countDown);
    document.querySelectorAll("[data-copy]").forEach((button) => {
        // Browsers let pages write to the clipboard only where they are safe from eavesdroppers.
        if (navigator.clipboard) {
            button.hidden = false;
            button.addEventListener("click", () => copy(button));
        }
    });
});
