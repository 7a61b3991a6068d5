// The vocabulary for settings that a form shows, a job file holds and a command line overrides: data, not code.
// Validation, defaults and the JSON Schema that is published are all derived from it (validate.ts, json-schema.ts).

interface FieldBase {
  /** Short label in sentence case: 'Learning rate'. */
  title: string;
  /** One sentence for the tooltip: the exact term and what it does. */
  help: string;
  /** Heading under which the form shows the field. */
  group?: string;
  /** Hidden until "Advanced" is opened. */
  advanced?: boolean;
  /** Shown behind the value: 'px', 'epochs'. */
  unit?: string;
  /** Shown only while another field of the same object has one of these values, `{ name: ['sgd'] }`, or exceeds one, `{ decay: { above: 0 } }`. */
  visibleWhen?: Record<string, readonly FieldValue[] | { above: number }>;
}

export type FieldValue = string | number | boolean | null;

export type Field =
  | (FieldBase & {
      type: 'number' | 'integer';
      default: number;
      minimum?: number;
      maximum?: number;
      /** The minimum (maximum) itself is not allowed. */
      exclusiveMinimum?: boolean;
      exclusiveMaximum?: boolean;
      /** Slider and arrow-key step; 'log' for quantities that span decades. */
      step?: number | 'log';
      multipleOf?: number;
    })
  | (FieldBase & { type: 'boolean'; default: boolean })
  | (FieldBase & {
      type: 'choice';
      default: string;
      options: readonly { value: string; title: string; help?: string }[];
    })
  | (FieldBase & { type: 'string'; default: string })
  /** A number or null, null meaning `nullTitle` ("from the data"). */
  | (FieldBase & {
      type: 'optional-integer';
      default: number | null;
      minimum?: number;
      maximum?: number;
      nullTitle: string;
    })
  | (FieldBase & { type: 'numbers'; default: readonly number[]; length?: number; minimum?: number; maximum?: number })
  /** A nested object, a group of its own in the form. */
  | (FieldBase & { type: 'object'; fields: Fields });

/** An object's fields, in the order in which they are shown. */
export type Fields = Readonly<Record<string, Field>>;

/** One thing that is wrong. `path` is dotted: 'optimizer.learning_rate'. */
export interface Problem {
  path: string;
  /** What was found and what is allowed, one sentence. */
  message: string;
}

/** A named set of values that a form can apply in one click; paths are dotted. */
export interface Preset {
  id: string;
  title: string;
  help: string;
  values: Readonly<Record<string, FieldValue | readonly number[]>>;
}
