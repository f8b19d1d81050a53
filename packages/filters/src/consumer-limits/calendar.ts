/** Days and months as a time zone has them. */

export interface Period {
  /** `2026-09-24` or `2026-09`: the same on every node. */
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The day or month in which a moment lies, milliseconds since 1970. */
export function periodAt(wallMs: number, per: 'day' | 'month', timeZone: string): Period {
  const now = Temporal.Instant.fromEpochMilliseconds(Math.trunc(wallMs)).toZonedDateTimeISO(timeZone);
  const date = per === 'day' ? now.toPlainDate() : now.toPlainDate().with({ day: 1 });
  const startOf = (day: Temporal.PlainDate): number => day.toZonedDateTime(timeZone).epochMilliseconds;
  return {
    name: per === 'day' ? date.toString() : date.toPlainYearMonth().toString(),
    startMs: startOf(date),
    endMs: startOf(date.add(per === 'day' ? { days: 1 } : { months: 1 })),
  };
}
