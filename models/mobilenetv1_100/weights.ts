// How Keras's weights fit mobilenetv1_100.

export { kerasMobileNetV1 as default } from '$lib/models/blocks/mobilenetv1';
