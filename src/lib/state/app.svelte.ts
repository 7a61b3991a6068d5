// All that lives as long as the page: the database, the workers, the theme, imports and the run. Made once, by the root layout.
import { createContext } from 'svelte';
import type { TrainyardError } from '$lib/core/errors';
import { createClients, type Clients } from '$lib/rpc/client';
import { openDatabase, type Database } from '$lib/storage/database';
import { Device } from './device.svelte';
import { Disk } from './disk.svelte';
import { StoredImages } from './images';
import { Imports } from './imports.svelte';
import { ModelWork } from './model-work.svelte';
import { Projects } from './projects.svelte';
import { Queue } from './queue.svelte';
import { RunControl } from './run-control.svelte';
import { RunNotices } from './run-notices.svelte';
import { Theme } from './theme.svelte';
import { Weights } from './weights.svelte';

export class App {
  readonly clients: Clients;
  readonly theme = new Theme();
  readonly device: Device;
  readonly disk: Disk;
  readonly images: StoredImages;
  readonly imports: Imports;
  readonly projects: Projects;
  readonly runs: RunControl;
  readonly queue: Queue;
  readonly notices = new RunNotices();
  readonly work: ModelWork;
  readonly weights: Weights;
  /** The database was lost (newer version elsewhere, data cleared) or could not be opened; only a reload helps. */
  storageError = $state.raw<TrainyardError | null>(null);
  /** A newer version of the page waits; calling it reloads. */
  update = $state.raw<(() => void) | null>(null);
  offlineReady = $state(false);
  online = $state(navigator.onLine);
  #opened: Promise<Database> | undefined;

  /** `onFault` hears of errors in workers that nobody awaited. */
  constructor(onFault: (error: TrainyardError) => void) {
    this.clients = createClients(onFault);
    const database = () => this.database();
    this.device = new Device(this.clients.infer.api);
    this.disk = new Disk(database);
    this.images = new StoredImages(database);
    this.imports = new Imports(this.clients.data.api);
    this.projects = new Projects(database);
    this.runs = new RunControl(this.clients.train.api, database, (report) => this.device.learn(report));
    this.queue = new Queue(this.runs, database);
    this.work = new ModelWork(this.clients.infer.api);
    this.weights = new Weights(this.clients.weights.api, database);
  }

  /** Opened on first use and shared; a failure is tried again by the next who asks. */
  database(): Promise<Database> {
    this.#opened ??= openDatabase({ onClosed: (error) => (this.storageError = error) }).catch(
      (error: TrainyardError) => {
        this.#opened = undefined;
        this.storageError = error;
        throw error;
      },
    );
    return this.#opened;
  }
}

export const [getApp, setApp] = createContext<App>();
