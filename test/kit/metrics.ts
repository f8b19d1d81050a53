// A process's metrics as numbers.

import { request } from 'undici';
import type { DataPlaneNode } from './processes.ts';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** What `/metrics` of the node says now. */
export async function scrape(node: DataPlaneNode): Promise<Metrics> {
  const { statusCode, body } = await request(`${await node.statusUrl()}/metrics`, { reset: true });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`/metrics answered ${statusCode}: ${text}`);
  return new Metrics(text);
}

export class Metrics {
  readonly #samples: readonly Sample[];

  /** @param text in the Prometheus text format; comments and exemplars are passed over. */
  constructor(text: string) {
    this.#samples = text.split('\n').flatMap(readSample);
  }

  /** Whether there is any series of `name`. */
  has(name: string): boolean {
    return this.#samples.some((sample) => sample.name === name);
  }

  /** The sum of every series of `name` that has these labels, 0 without one. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.#matching(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** The one series of `name` that has these labels. Throws when there is none, or more than one. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const [sample, ...others] = this.#matching(name, labels);
    if (sample === undefined || others.length > 0)
      throw new Error(
        `${others.length + (sample === undefined ? 0 : 1)} series of ${name} with ${JSON.stringify(labels)}`,
      );
    return sample.value;
  }

  #matching(name: string, labels: Readonly<Record<string, string>>): readonly Sample[] {
    const wanted = Object.entries(labels);
    return this.#samples.filter(
      (sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
    );
  }
}

function readSample(line: string): Sample[] {
  const [, name, labels = '', value] = sampleLine.exec(line) ?? [];
  if (name === undefined) return [];
  const pairs = [...labels.matchAll(labelPair)].map(([, key = '', text = '']) => [key, text]);
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
}
