import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { GanletError } from '../../util/errors.ts';

/** Where the hub is and where its files are kept: the environment that all Hugging Face tools share. */
export interface HubSettings {
  /** Folder of the cache: `HF_HUB_CACHE`, else `$HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
  cache: string;
  /** Address of the hub or of a mirror, without a final slash: `HF_ENDPOINT`, else https://huggingface.co. */
  endpoint: string;
  /** `HF_TOKEN`. Sent to the endpoint and to nobody else. */
  token?: string;
  /** `HF_HUB_OFFLINE`: nothing is asked of the network. */
  offline: boolean;
}

/** Reads the settings. Throws HUB_SETTING naming a variable that cannot be used. */
export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  const cache = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub');
  const token = env.HF_TOKEN?.trim();
  if (token && !token.startsWith('hf_')) {
    throw new GanletError('HUB_SETTING', 'HF_TOKEN must be a token of the hub, which begins with hf_', {
      hint: 'copy it again from the settings of your account, or unset HF_TOKEN',
    });
  }
  return {
    cache: resolve(expandHome(cache)),
    endpoint: endpointOf(env.HF_ENDPOINT || 'https://huggingface.co'),
    ...(token && { token }),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ''),
  };
}

function endpointOf(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return new URL(text).href.replace(/\/+$/, '');
  throw new GanletError('HUB_SETTING', `HF_ENDPOINT must be an address, got ${JSON.stringify(text)}`, {
    hint: 'write it as https://huggingface.co, or unset HF_ENDPOINT',
  });
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
