// The token, kept for this tab alone: not in an address, a cookie, or storage that outlives the tab.

const TOKEN = "local-workspace-token";
const REASON = "local-workspace-reason";

export function token() {
  return sessionStorage.getItem(TOKEN);
}

export function keep(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** Forget the token and everything on the page; the door then says why. */
export function leave(reason = "") {
  sessionStorage.removeItem(TOKEN);
  sessionStorage.setItem(REASON, reason);
  location.reload();
}

/** Why the last session ended; said once. */
export function reasonForLeaving() {
  const reason = sessionStorage.getItem(REASON) ?? "";
  sessionStorage.removeItem(REASON);
  return reason;
}
