// The overview: once all work shown under "At work" has ended, load the page again with what came of it.
// A finished job asks for itself no more (templates/components/job.html).

document.addEventListener("htmx:afterSettle", () => {
  const jobs = document.querySelector("[data-reload-when-done]");
  if (jobs && !jobs.querySelector("[hx-trigger]")) location.reload();
});
