// A worker whose module fails while it loads.
throw new Error('a module is missing');
