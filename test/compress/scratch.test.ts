import {test} from "vitest";
import { channelGroups } from '../../src/compress/groups.ts';
import { resnetGenerator } from '../../src/models/resnet.ts';
import { unetGenerator } from '../../src/models/unet.ts';
test("x",()=>{
for (const g of [resnetGenerator({baseWidth:8, blocks:2, size:16}), resnetGenerator({baseWidth:8, blocks:2, separable:true, norm:'batch'}), unetGenerator({baseWidth:4, levels:3, size:16}), unetGenerator({baseWidth:4, levels:8, norm:'batch'}), resnetGenerator({baseWidth:64, blocks:9, size:256})]) {
 console.time('t'); const c = channelGroups(g); console.timeEnd('t');
 for (const x of c.list) console.log(x.name, x.width, x.narrowable, x.reasons.join('; '), x.parameters.map(p=>p.value.name+':'+p.axis).join(' ').slice(0,200), '|', x.producers.length, x.consumers.length);
 for (const v of g.constants.values()) if (v.shape.length==4) console.log(' ',v.name, JSON.stringify(v.shape.map((_,a)=>c.segments(v,a)?.map(s=>`${s.group}@${s.offset}x${s.width}*${s.factor}`).join('+'))));
}

});
