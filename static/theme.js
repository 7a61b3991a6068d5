// Sets the chosen theme before the first paint. A file of its own because the content policy allows no inline script, and not part of
// the bundle because that runs after the paint. 'light' and 'dark' are choices; anything else follows the system (src/app.css).
try {
  const theme = localStorage.getItem('trainyard:theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's theme it is.
}
