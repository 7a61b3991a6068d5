// One static page: everything is rendered in the browser, from the browser's own database.
export const ssr = false;
export const prerender = false;
