// How long may calls be debounced? migrations/0036 says the same. The pass that lets runs in looks once a second, so no
// delay is shorter.

export const DEBOUNCE_KEY_MAX = 200;
export const DEBOUNCE_DELAY_SECONDS = { min: 1, max: 86_400 } as const;
export const DEBOUNCE_MAX_DELAY_SECONDS = 604_800;
