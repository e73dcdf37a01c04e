// Which things are injected by name? Those that are no classes.
export const CONFIG = Symbol('config');
export const API_DATABASE = Symbol('api-database');
export const INSTALLATION = Symbol('installation');
