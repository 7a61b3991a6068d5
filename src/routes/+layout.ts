// Every screen is drawn in the browser: nothing is rendered ahead, the fallback page is the whole site.
export const ssr = false;
export const prerender = false;
