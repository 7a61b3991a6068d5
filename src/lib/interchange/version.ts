// The version that exported files name as their producer.

import { version } from '../../../package.json';

export const PRODUCER = 'trainyard';
export const VERSION: string = version;
