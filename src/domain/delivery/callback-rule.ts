/**
 * The parts of a URL that decide whether a callback is allowed. They are parsed as a client parses them, so case, default ports,
 * dot segments, other spellings of an address and international names are all normalized.
 */
interface Place {
  readonly protocol: string;
  /** The labels of a host name. An IP address is one label with characters that no label of a name has. */
  readonly labels: readonly string[];
  /** Empty for the default port of the scheme. */
  readonly port: string;
  readonly segments: readonly string[];
}

/** A rule that allows callback URLs. A label `*` stands for any one label of a name. */
export interface CallbackRule extends Place {
  /** True if the rule ends in a slash, so that the path must continue below its segments. */
  readonly isBelow: boolean;
}

/** A well-formed callback URL, whether or not it is allowed. */
export interface CallbackUrl extends Place {
  /** Scheme, host and port. All callbacks to one origin share a lane. */
  readonly origin: string;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** It does not repeat the URL, which may contain credentials. */
  | { readonly ok: false; readonly message: string };

const MAX_LENGTH = 2048;
const LABEL = /^[a-z0-9_-]+$/;
const LABEL_OR_ANY = /^([a-z0-9_-]+|\*)$/;
/** Characters that a URL parser drops, replaces or takes for a slash, so that two parsers could see two URLs. */
const AMBIGUOUS = /[\s\\\p{Cc}\p{Cs}]/u;
/** Encoded slashes, backslashes, dots, semicolons, control characters and %. A server that decodes them would see another path. */
const AMBIGUOUS_ENCODED = /%(2e|2f|3b|5c|25|[01][0-9a-f]|7f)/i;
/** A dot segment with parameters, which some servers treat as a dot segment. */
const DOT_SEGMENT = /^\.{1,2};/;

function parsePlace(text: string, label: RegExp): Parsed<Place & { readonly url: URL }> {
  const failed = (message: string) => ({ ok: false, message }) as const;
  if (text.length > MAX_LENGTH) return failed(`must have at most ${MAX_LENGTH} characters`);
  if (AMBIGUOUS.test(text))
    return failed('must not contain spaces, backslashes, control characters or lone surrogates');
  const url = /^https?:\/\/[^/]/i.test(text) ? URL.parse(text) : null;
  if (url === null) return failed('must be a URL that begins with http:// or https://');
  // An empty user name leaves no trace in the parsed URL.
  if (/^[^/?#]*\/\/[^/?#]*@/.test(text)) return failed('must not contain a user name or password');
  if (text.includes('#')) return failed('must not contain a fragment');
  const isAddress = /^(\[.*\]|\d+(\.\d+){3})$/.test(url.hostname);
  const labels = isAddress ? [url.hostname] : url.hostname.split('.');
  if (!isAddress && !labels.every((part) => label.test(part)))
    return failed('must have a host name of letters, digits, - and _, without a trailing dot');
  const [path = ''] = text.split('?');
  const segments = url.pathname.split('/').slice(1);
  if (AMBIGUOUS_ENCODED.test(path) || segments.some((segment) => DOT_SEGMENT.test(segment)))
    return failed(
      'must not contain dot segments with parameters, or an encoded slash, dot, % or control character',
    );
  return { ok: true, value: { protocol: url.protocol, labels, port: url.port, segments, url } };
}

/** Reads a callback URL. */
export function parseCallbackUrl(text: string): Parsed<CallbackUrl> {
  const parsed = parsePlace(text, LABEL);
  if (!parsed.ok) return parsed;
  const { url, ...place } = parsed.value;
  return { ok: true, value: { ...place, origin: url.origin } };
}

/** Reads a rule such as `https://*.example.com/hooks/`. */
export function parseCallbackRule(text: string): Parsed<CallbackRule> {
  const parsed = parsePlace(text, LABEL_OR_ANY);
  if (!parsed.ok) return parsed;
  const { url, ...place } = parsed.value;
  const failed = (message: string) => ({ ok: false, message }) as const;
  if (text.includes('?')) return failed('must not contain a query');
  if (url.pathname.includes('*'))
    return failed('must not contain * in its path: everything below the path is allowed');
  const isBelow = place.segments.at(-1) === '';
  return {
    ok: true,
    value: { ...place, segments: isBelow ? place.segments.slice(0, -1) : place.segments, isBelow },
  };
}

/**
 * Reports whether a rule allows a URL. Scheme and port must be equal, the host must match label by label, and the path must begin
 * with the segments of the rule.
 */
export function allowsCallback(rule: CallbackRule, url: CallbackUrl): boolean {
  return (
    rule.protocol === url.protocol &&
    rule.port === url.port &&
    rule.labels.length === url.labels.length &&
    rule.labels.every((label, at) => {
      const actual = url.labels[at] ?? '';
      return label === actual || (label === '*' && LABEL.test(actual));
    }) &&
    url.segments.length >= rule.segments.length + (rule.isBelow ? 1 : 0) &&
    rule.segments.every((segment, at) => segment === url.segments[at])
  );
}
