// Rules of the house for comments: a sentence names its actor (a replica, a leader, a tenant, an operator), and a line
// can be read beside another file.
import { linesWhere, type Rule } from './source-code.js';

/** Quoted words are meant as words. */
const UNNAMED_ACTOR = /\b(nobody|whoever|somebody|someone|whatever|anybody|anyone|everybody)\b(?!['`’])/i;
const COMMENT = /(^\s*(\/\/|\/?\*)|\s\/\/ )(?<said>.*)$/;
const WHOLE_LINE = /^\s*(\/\/|\/?\*)/;
const COLUMNS_MAX = 125;

export const namesNoActor = (line: string): boolean => UNNAMED_ACTOR.test(line);

const sample = (text: string) => ({ file: 'libs/sample.ts', text });

export const namedActorRule: Rule = {
  name: 'a comment names its actors: no nobody, whoever, somebody, whatever',
  binds: () => true,
  brokenAt: ({ text }) =>
    linesWhere(text, (line) => namesNoActor(COMMENT.exec(line)?.groups?.['said'] ?? '')),
  breaks: ['// Whoever holds it.', ' * nobody knows', 'x(); // for somebody'].map(sample),
  keeps: ['// The holder.', "say('nobody');", "url('http://nobody')", '// a tenant named `nobody`'].map(
    sample,
  ),
};

export const commentWidthRule: Rule = {
  name: `a line of comments has at most ${COLUMNS_MAX} columns`,
  binds: () => true,
  brokenAt: ({ text }) => linesWhere(text, (line) => line.length > COLUMNS_MAX && WHOLE_LINE.test(line)),
  breaks: ['// ', ' * ', '  /** '].map((start) => sample(start + 'x'.repeat(COLUMNS_MAX))),
  keeps: ['// ' + 'x'.repeat(COLUMNS_MAX - 3), `say('${'x'.repeat(COLUMNS_MAX)}');`].map(sample),
};
