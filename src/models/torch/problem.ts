import { GanletError } from '../../util/errors.ts';

const again = 'the file may be damaged; download or save it again';

/** The file breaks its own format. */
export function invalid(file: string, found: string, cause?: unknown): GanletError {
  return new GanletError('CHECKPOINT_INVALID', `${file} must be a PyTorch checkpoint, ${found}`, {
    hint: again,
    ...(cause !== undefined && { cause }),
  });
}

/** The file asks for more memory than its own size makes believable. */
export function tooLarge(file: string, found: string): GanletError {
  return new GanletError('CHECKPOINT_TOO_LARGE', `${file} must hold what its size allows, ${found}`, {
    hint: 'do not trust the file, or save it again from PyTorch',
  });
}

/** The pickle names something that tensors do not need; nothing of it has been executed. */
export function unsafe(file: string, what: string): GanletError {
  return new GanletError('CHECKPOINT_UNSAFE', `${file} must hold tensors only, it ${what}`, {
    hint: 'nothing was executed; save the tensors alone, torch.save(model.state_dict(), path)',
  });
}
