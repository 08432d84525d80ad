// The page of the search, in the reader's time: the days of a query begin in their zone, and the times of the hits are theirs.
document.querySelector(".search [name=zone]").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll(".search .rows time")) time.textContent = format.format(new Date(time.dateTime));
