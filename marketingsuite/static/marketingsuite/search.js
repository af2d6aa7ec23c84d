// "/" and Ctrl+K (⌘K) lead to the search field; Escape leads back to the page.
document.addEventListener("keydown", (event) => {
    const field = document.getElementById("dashboard-search");
    if (!field) {
        return;
    }
    if (event.key === "Escape" && document.activeElement === field) {
        field.blur();
        return;
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const command = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (slash || command) {
        // The theme has a list's own search listen for the slash, too, at the window.
        event.preventDefault();
        event.stopPropagation();
        field.focus();
        field.select();
    }
});
