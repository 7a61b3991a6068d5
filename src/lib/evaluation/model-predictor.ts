// What everything that predicts with a trained model opens. The export's check needs it too, so that it lives in interchange.

export { openPredictor } from '$lib/interchange/model-predictor';
