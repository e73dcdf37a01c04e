// Which names of time zones are taken? Those of the IANA database, as the runtime knows them. ICU knows 25 old
// abbreviations beside them, and fixed rules called SystemV/…: BST is Dhaka for it, and IST is India. They are refused,
// because few who write them mean that, and the names that they may mean are suggested.
import { isOneSlipFrom } from '#kernel/one-slip.js';
import { isTimeZone } from './wall-clock.js';

/** Abbreviations that ICU takes for zones, and others that people write, with what they may mean. */
const MEANT_BY: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    ACT: ['Australia/Darwin', 'America/Rio_Branco'],
    ADT: ['America/Halifax'],
    AEST: ['Australia/Sydney'],
    AET: ['Australia/Sydney'],
    AGT: ['America/Argentina/Buenos_Aires'],
    ART: ['America/Argentina/Buenos_Aires', 'Africa/Cairo'],
    AST: ['America/Halifax', 'Asia/Riyadh'],
    BET: ['America/Sao_Paulo'],
    BRT: ['America/Sao_Paulo'],
    BST: ['Europe/London', 'Asia/Dhaka'],
    CAT: ['Africa/Maputo'],
    CDT: ['America/Chicago'],
    CEST: ['Europe/Berlin'],
    CNT: ['America/St_Johns'],
    CST: ['America/Chicago', 'Asia/Shanghai'],
    CTT: ['Asia/Shanghai'],
    EAT: ['Africa/Nairobi'],
    ECT: ['America/Guayaquil', 'Europe/Paris'],
    EDT: ['America/New_York'],
    EEST: ['Europe/Athens'],
    IET: ['America/Indiana/Indianapolis'],
    IST: ['Asia/Kolkata', 'Europe/Dublin', 'Asia/Jerusalem'],
    JST: ['Asia/Tokyo'],
    KST: ['Asia/Seoul'],
    MDT: ['America/Denver'],
    MIT: ['Pacific/Apia'],
    MSK: ['Europe/Moscow'],
    NET: ['Asia/Yerevan'],
    NST: ['America/St_Johns', 'Pacific/Auckland'],
    NZST: ['Pacific/Auckland'],
    PDT: ['America/Los_Angeles'],
    PLT: ['Asia/Karachi'],
    PNT: ['America/Phoenix'],
    PRT: ['America/Puerto_Rico'],
    PST: ['America/Los_Angeles', 'Asia/Manila'],
    SGT: ['Asia/Singapore'],
    SST: ['Pacific/Pago_Pago', 'Asia/Singapore'],
    VST: ['Asia/Ho_Chi_Minh'],
    WEST: ['Europe/Lisbon'],
  }),
);
const SUGGESTED_MAX = 3;

/** Null for a name that is taken; otherwise what was expected, with the names that are near. */
export function complaintAboutZone(given: string): string | null {
  const upper = given.toUpperCase();
  const meant = MEANT_BY.get(upper);
  if (meant === undefined && !upper.startsWith('SYSTEMV/') && isTimeZone(given)) return null;
  const near = meant ?? nearZones(given);
  const example = near.length === 0 ? 'such as Europe/Berlin' : `perhaps ${near.join(' or ')}`;
  return `the name of an IANA time zone, ${example}`;
}

/** Zones of that city, and those whose name is one slip away. */
function nearZones(given: string): string[] {
  const plain = plainOf(given);
  if (plain.length < 4) return [];
  return Intl.supportedValuesOf('timeZone')
    .filter((zone) => {
      const names = [zone, zone.slice(zone.lastIndexOf('/') + 1)].map(plainOf);
      return names.some((name) => name === plain || isOneSlipFrom(name, plain));
    })
    .slice(0, SUGGESTED_MAX);
}

function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]/g, '');
}
