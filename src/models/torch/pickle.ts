import { ByteReader } from './byte-reader.ts';
import { invalid, unsafe } from './problem.ts';
import {
  describe,
  isKind,
  type PyDict,
  type PyKey,
  type PyList,
  type PyName,
  type PyValue,
} from './python.ts';

/** What a pickle may refer to. */
export interface PickleHost {
  /** The name `module.name`, or undefined where it is not known to be harmless. */
  find(name: string): PyName | undefined;
  /** The object behind a persistent id. */
  persistent(id: PyValue): PyValue;
}

type Stack = PyValue[];

/**
 * Reads one pickle (protocols 0 to 5) that begins at `start`, as data: names are looked up in `host` and nothing else can
 * be called; instances, extensions and anything that would run code are refused with CHECKPOINT_UNSAFE by name, a broken
 * stream with CHECKPOINT_INVALID. It uses no recursion, and memory in proportion to the bytes it reads.
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  host: PickleHost,
  file: string,
): { value: PyValue; end: number } {
  const source = new ByteReader(bytes, start, file);
  let stack: Stack = [];
  const marks: Stack[] = [];
  const memo = new Map<number, PyValue>();

  const broken = (what: string) => invalid(file, `its pickle is broken: ${what}`);
  /** Not `stack.push`: its argument may replace the stack (`sinceMark`). */
  const push = (value: PyValue) => {
    stack.push(value);
  };
  const pop = (): PyValue => {
    if (stack.length === 0) throw broken('its stack is empty');
    return stack.pop()!;
  };
  const top = (): PyValue => {
    if (stack.length === 0) throw broken('its stack is empty');
    return stack.at(-1)!;
  };
  /** What was pushed since the last mark; the stack is what it was before the mark. */
  const sinceMark = (): Stack => {
    const before = marks.pop();
    if (!before) throw broken('a mark is missing');
    const items = stack;
    stack = before;
    return items;
  };
  const recall = (index: number) => {
    const value = memo.get(index);
    if (value === undefined) throw broken(`entry ${index} of its memo is missing`);
    push(value);
  };
  const list = (kind: PyList['kind'], items: PyValue[]): PyList => ({ kind, items });
  const append = (items: readonly PyValue[], kind: 'list' | 'set') => {
    const target = top();
    if (!isKind(target, kind)) throw broken(`it adds to ${describe(target)}`);
    for (const item of items) target.items.push(item);
  };
  const assign = (pairs: readonly PyValue[]) => {
    const target = top();
    if (!isKind(target, 'dict')) throw broken(`it sets items of ${describe(target)}`);
    fillDict(target, pairs, file);
  };
  const name = (module: PyValue, member: PyValue) => {
    if (typeof module !== 'string' || typeof member !== 'string') throw broken('a name is not text');
    const found = host.find(`${module}.${member}`);
    if (!found) throw unsafe(file, `names ${printable(`${module}.${member}`)}`);
    push(found);
  };

  for (;;) {
    const code = source.byte();
    switch (String.fromCharCode(code)) {
      case '\x80': {
        const protocol = source.byte();
        if (protocol > 5) throw broken(`its protocol is ${protocol}`);
        break;
      }
      case '\x95':
        source.length8(); // A frame only says how much to read at once.
        break;
      case '.':
        return { value: pop(), end: source.at };
      case '(':
        marks.push(stack);
        stack = [];
        break;
      case '0':
        if (stack.length > 0) stack.pop();
        else sinceMark();
        break;
      case '1':
        sinceMark();
        break;
      case '2':
        push(top());
        break;

      case 'N':
        push(null);
        break;
      case '\x88':
      case '\x89':
        push(code === 0x88);
        break;
      case 'I':
      case 'L':
        push(source.integerLine());
        break;
      case 'F':
        push(source.floatLine());
        break;
      case 'J':
        push(source.int32());
        break;
      case 'K':
        push(source.byte());
        break;
      case 'M':
        push(source.uint16());
        break;
      case '\x8a':
        push(source.long(source.byte()));
        break;
      case '\x8b':
        push(source.long(source.length4()));
        break;
      case 'G':
        push(source.float64());
        break;

      case 'S':
        push(source.quotedLine());
        break;
      case 'V':
        push(source.line());
        break;
      case 'T':
        push(source.latin1(source.length4()));
        break;
      case 'U':
        push(source.latin1(source.byte()));
        break;
      case 'X':
        push(source.utf8(source.length4()));
        break;
      case '\x8c':
        push(source.utf8(source.byte()));
        break;
      case '\x8d':
        push(source.utf8(source.length8()));
        break;
      case 'B':
        push(source.take(source.length4()));
        break;
      case 'C':
        push(source.take(source.byte()));
        break;
      case '\x8e':
      case '\x96':
        push(source.take(source.length8()));
        break;

      case ']':
        push(list('list', []));
        break;
      case ')':
        push(list('tuple', []));
        break;
      case '\x8f':
        push(list('set', []));
        break;
      case '}':
        push({ kind: 'dict', entries: new Map() });
        break;
      case 'l':
        push(list('list', sinceMark()));
        break;
      case 't':
        push(list('tuple', sinceMark()));
        break;
      case '\x91':
        push(list('set', sinceMark()));
        break;
      case '\x85':
      case '\x86':
      case '\x87': {
        const count = code - 0x84;
        if (stack.length < count) throw broken('its stack is empty');
        push(list('tuple', stack.splice(-count)));
        break;
      }
      case 'd': {
        const pairs = sinceMark();
        push({ kind: 'dict', entries: new Map() });
        assign(pairs);
        break;
      }
      case 'a':
        append([pop()], 'list');
        break;
      case 'e':
        append(sinceMark(), 'list');
        break;
      case '\x90':
        append(sinceMark(), 'set');
        break;
      case 's': {
        const [value, key] = [pop(), pop()];
        assign([key, value]);
        break;
      }
      case 'u':
        assign(sinceMark());
        break;

      case 'g':
        recall(Number(source.integerLine()));
        break;
      case 'h':
        recall(source.byte());
        break;
      case 'j':
        recall(source.length4());
        break;
      case 'p':
        memo.set(Number(source.integerLine()), top());
        break;
      case 'q':
        memo.set(source.byte(), top());
        break;
      case 'r':
        memo.set(source.length4(), top());
        break;
      case '\x94':
        memo.set(memo.size, top());
        break;

      case 'c': {
        const module = source.line();
        name(module, source.line());
        break;
      }
      case '\x93': {
        const [member, module] = [pop(), pop()];
        name(module, member);
        break;
      }
      case 'i': {
        const module = source.line();
        throw unsafe(file, `makes an instance of ${printable(`${module}.${source.line()}`)}`);
      }
      case 'P':
        push(host.persistent(source.line()));
        break;
      case 'Q':
        push(host.persistent(pop()));
        break;
      case 'R': {
        const [args, callee] = [pop(), pop()];
        if (!isKind(callee, 'name') || !callee.call) throw unsafe(file, `calls ${describe(callee)}`);
        if (!isKind(args, 'tuple')) throw broken(`it calls ${callee.name} with ${describe(args)}`);
        push(callee.call(args.items));
        break;
      }
      case 'b': {
        pop();
        // The attributes of a dictionary (`_metadata` of a state dict) say nothing about its tensors.
        if (!isKind(top(), 'dict')) throw unsafe(file, `sets attributes of ${describe(top())}`);
        break;
      }
      case 'o':
      case '\x81':
      case '\x92': {
        if (code === 0x92) pop();
        if (code !== 0x6f) pop();
        const type = code === 0x6f ? sinceMark()[0] : pop();
        throw unsafe(file, `makes an instance of ${describe(type)}`);
      }
      case '\x82':
      case '\x83':
      case '\x84':
        throw unsafe(file, 'names an entry of the extension registry (copyreg)');
      case '\x97':
      case '\x98':
        throw unsafe(file, 'refers to buffers outside the file');
      default:
        throw broken(`0x${code.toString(16)} at byte ${source.at - 1} is no opcode`);
    }
  }
}

/** Adds key, value, key, value, … to a dictionary. Throws CHECKPOINT_INVALID for keys that are not numbers or text. */
export function fillDict(target: PyDict, pairs: readonly PyValue[], file: string): void {
  if (pairs.length % 2 !== 0) throw invalid(file, 'its pickle is broken: a key has no value');
  for (let i = 0; i < pairs.length; i += 2) {
    const key = pairs[i]!;
    if (typeof key === 'object' && key !== null)
      throw invalid(file, `a key is ${describe(key)}, not text or a number`);
    target.entries.set(key as PyKey, pairs[i + 1]!);
  }
}

/** Names from a file, fit for a terminal. */
function printable(name: string): string {
  const clean = name.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 120 ? `${clean.slice(0, 120)}…` : clean;
}
