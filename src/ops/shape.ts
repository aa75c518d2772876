export * from './layout.ts';
export * from './segments.ts';
export * from './sizes.ts';
export * from './window.ts';
