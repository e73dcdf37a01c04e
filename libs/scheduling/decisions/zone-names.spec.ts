// Are the zones of the IANA database taken, and no abbreviation that means something else than people think?
import { describe, expect, it } from 'vitest';
import { complaintAboutZone } from './zone-names.js';

describe('a time zone', () => {
  it.each([
    'UTC',
    'Europe/Berlin',
    'europe/berlin',
    'US/Pacific',
    'Etc/GMT+5',
    'EST',
    'MST',
    'HST',
    'CET',
    'EST5EDT',
    'PRC',
  ])('%s is taken', (zone) => {
    expect(complaintAboutZone(zone)).toBeNull();
  });

  it('is taken under each name that the runtime lists', () => {
    expect(Intl.supportedValuesOf('timeZone').filter((zone) => complaintAboutZone(zone) !== null)).toEqual(
      [],
    );
  });

  it.each([
    ['BST', 'Europe/London or Asia/Dhaka'],
    ['ist', 'Asia/Kolkata or Europe/Dublin'],
    ['PST', 'America/Los_Angeles'],
    ['Berlin', 'Europe/Berlin'],
    ['new york', 'America/New_York'],
    ['Europe/Berln', 'Europe/Berlin'],
    ['America/Los_Angles', 'America/Los_Angeles'],
  ])('%s is refused, and %s suggested', (zone, suggested) => {
    expect(complaintAboutZone(zone)).toContain(`perhaps ${suggested}`);
  });

  it.each([
    'ACT',
    'SST',
    'VST',
    'SystemV/PST8',
    'systemv/ast4adt',
    'Mars/Olympus',
    '+02:00',
    '',
    'Europe/Berlin ',
  ])('%j is refused', (zone) => {
    expect(complaintAboutZone(zone)).toContain('the name of an IANA time zone');
  });

  it('that is suggested is one', () => {
    const suggested = ['BST', 'SST', 'ACT', 'NST', 'ECT', 'VST', 'IET', 'ART'].flatMap(
      (zone) => complaintAboutZone(zone)?.match(/[A-Z][a-z]+\/[A-Za-z_/]+/g) ?? [],
    );
    expect(suggested.length).toBeGreaterThan(8);
    expect(suggested.filter((zone) => complaintAboutZone(zone) !== null)).toEqual([]);
  });
});
