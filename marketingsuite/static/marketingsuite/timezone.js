// The server shows times in the zone that this cookie names.
document.cookie = "timezone=" + Intl.DateTimeFormat().resolvedOptions().timeZone + "; path=/; max-age=31536000; samesite=lax";
