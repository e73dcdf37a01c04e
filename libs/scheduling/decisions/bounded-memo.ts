// A memory of bounded size for a pure function. It keeps the answers that were used last, up to a limit, and forgets
// the one unused for longest. It remembers no failure.

/** The same function with a memory. Answers are shared, so they must not be changed. */
export function boundedMemo<Answer>(limit: number, answer: (key: string) => Answer): (key: string) => Answer {
  // A Map keeps the order of insertion; inserting anew on each use makes its first key the longest unused.
  const answers = new Map<string, Answer>();
  return (key) => {
    const known = answers.get(key);
    const result = known === undefined ? answer(key) : known;
    answers.delete(key);
    answers.set(key, result);
    for (const oldest of answers.keys()) {
      if (answers.size <= limit) break;
      answers.delete(oldest);
    }
    return result;
  };
}
