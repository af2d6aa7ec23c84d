// The theme's choosers by typing have no name for screen readers: it is that of the field they stand for. They are made
// some time after the page, and again when a row is added.
document.addEventListener("DOMContentLoaded", () => {
    const name = (chooser) => {
        const shown = chooser.querySelector("[id^='select2-'][id$='-container']");
        const field = shown && document.getElementById(shown.id.slice("select2-".length, -"-container".length));
        const label = field && field.labels && field.labels[0];
        const text = label ? label.textContent.trim() : field && (field.getAttribute("aria-label") || field.name);
        if (text) {
            [chooser, shown].forEach((part) => {
                part.removeAttribute("aria-labelledby");
                part.setAttribute("aria-label", text);
            });
        }
    };
    const all = () => document.querySelectorAll(".select2-selection[aria-labelledby]").forEach(name);
    new MutationObserver(all).observe(document.body, {childList: true, subtree: true});
    all();
});
