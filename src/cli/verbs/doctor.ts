import { defineVerb } from '../verb.ts';

export const doctor = defineVerb({
  command: 'doctor',
  describe: 'Say what this machine can run, and how to enable what it cannot',
  positionals: {},
  options: { json: { type: 'boolean', default: false, describe: 'Print JSON' } },
  async run({ json }) {
    const { examine, printFindings } = await import('../doctor.ts');
    const findings = await examine();
    process.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : printFindings(findings));
    if (findings.some((finding) => finding.status === 'broken')) process.exitCode = 1;
  },
});
