/**
 * Remembers the last `capacity` answers of an asynchronous `load`. Simultaneous requests for one key share one
 * load; a failed load is forgotten.
 */
export function lru<K, V>(capacity: number, load: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const entries = new Map<K, Promise<V>>();
  return (key) => {
    const known = entries.get(key);
    const entry = known ?? load(key);
    // A Map keeps insertion order: what is put back last is the youngest.
    entries.delete(key);
    entries.set(key, entry);
    if (!known) {
      entry.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      if (entries.size > capacity) entries.delete(entries.keys().next().value!);
    }
    return entry;
  };
}
