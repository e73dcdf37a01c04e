// Injection tokens for values that have no class of their own.
export const CONFIG = Symbol('config');
export const API_DATABASE = Symbol('api-database');
export const INSTALLATION = Symbol('installation');
