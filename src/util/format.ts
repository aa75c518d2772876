const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];

/** A count with three significant digits and a decimal prefix: 4956000000 → "4.96G", 950 → "950". */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return String(count);
  let scaled = Math.abs(count);
  let prefix = 0;
  // 999.5 and more would show as "1000".
  while (scaled >= 999.5 && prefix < prefixes.length - 1) {
    scaled /= 1000;
    prefix++;
  }
  const digits = prefix === 0 ? trimZeros(scaled.toPrecision(3)) : threeDigits(scaled);
  return `${count < 0 ? '-' : ''}${digits}${prefixes[prefix]}`;
}

/** Bytes in binary units: 1536 → "1.50 KiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = bytes;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${threeDigits(scaled)} ${units[unit]}`;
}

/** A length of time in milliseconds, its two largest units: "340 ms", "5.2 s", "3m 12s", "2h 05m", "3d 04h". */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return String(milliseconds);
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${twoDigits(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${twoDigits(hours % 24)}h`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function trimZeros(digits: string): string {
  return digits.includes('.') && !digits.includes('e') ? digits.replace(/\.?0+$/, '') : digits;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
