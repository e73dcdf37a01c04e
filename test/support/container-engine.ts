// How does a test speak to Docker? By the command line, as its users do: so the Dockerfile and the Compose file
// are tried as they are, and any way to an engine (a context, DOCKER_HOST) that the user has set up is taken, too.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** A storage driver that copies whole images makes a first build this slow. It is a limit, and not a wait. */
export const SLOWEST_BUILD_MS = 30 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const SHOWN_LENGTH_MAX = 8_000;

interface CommandOptions {
  /** In place of this process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What the command printed to stdout, trimmed. Throws with all that it said when it fails. */
export async function docker(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { failure, stdout } = await run(args, options);
  if (failure !== undefined) throw new Error(failure);
  return stdout.trim();
}

/**
 * Throws where Docker can't be used. To be awaited at the top of a file, where it fails the whole file: a
 * developer who asks for the Docker tests must not take skipped tests for passed ones.
 */
export async function requireDockerEngine(): Promise<void> {
  for (const question of [
    ['version', '--format', '{{.Server.Version}}'],
    ['compose', 'version'],
  ]) {
    const { failure } = await run(question, {});
    if (failure === undefined) continue;
    throw new Error(
      'The Docker tests need a Docker engine that answers, and Docker Compose. Start one, or point DOCKER_HOST' +
        ` at one; "npm test" runs everything that needs neither.\n${failure}`,
    );
  }
}

interface Outcome {
  readonly stdout: string;
  /** What went wrong, in words. */
  readonly failure: string | undefined;
}

function run(args: readonly string[], { env = process.env }: CommandOptions): Promise<Outcome> {
  const options = { cwd: REPOSITORY, env, timeout: SLOWEST_BUILD_MS, maxBuffer: OUTPUT_BYTES_MAX };
  return new Promise((resolve) => {
    execFile('docker', args, options, (error, stdout, stderr) => {
      const said = `${stdout}\n${stderr}`.trim().slice(-SHOWN_LENGTH_MAX) || error?.message;
      const failure =
        error === null ? undefined : `expected "docker ${args.join(' ')}" to succeed, got: ${said}`;
      resolve({ stdout, failure });
    });
  });
}
