import { meiDocument } from "./mei.ts";

/** A row with a little of all that rows are made of. */
export const SAMPLE: string = meiDocument(
  `<scoreDef><staffGrp symbol="bracket" bar.thru="true">
    <staffDef n="1" lines="5"><label>A</label><labelAbbr>A</labelAbbr>
      <clef shape="G" line="2"/><keySig sig="3s"/><meterSig count="4" unit="4"/></staffDef>
    <staffDef n="2" lines="5"><label>B</label><labelAbbr>B</labelAbbr>
      <clef shape="F" line="4"/><keySig sig="3s"/><meterSig count="4" unit="4"/></staffDef>
  </staffGrp></scoreDef>`,
  `<measure n="1">
    <staff n="1"><layer n="1">
      <note xml:id="a" pname="c" oct="5" dur="4" dots="1"><accid accid.ges="s"/><verse n="1"><syl con="d" wordpos="i">la</syl></verse></note>
      <note xml:id="b" pname="d" oct="5" dur="8" artic="stacc"><verse n="1"><syl wordpos="t">la</syl></verse></note>
      <beam><note xml:id="c" pname="e" oct="4" dur="8"/><note pname="f" oct="4" dur="16"><accid accid="n"/></note><note xml:id="d" pname="g" oct="4" dur="16"/></beam>
      <chord dur="4" xml:id="e"><note xml:id="f" pname="a" oct="4"/><note pname="c" oct="5"/></chord>
    </layer><layer n="2"><note pname="e" oct="4" dur="2" stem.dir="down"/><rest dur="2"/></layer></staff>
    <staff n="2"><layer n="1"><mRest/></layer></staff>
    <slur startid="#a" endid="#d"/><tie startid="#f" endid="#g"/><dynam staff="2" tstamp="1">mf</dynam>
    <fermata startid="#e" place="above"/><hairpin form="cres" staff="1" tstamp="1" tstamp2="0m+3"/>
  </measure>
  <scoreDef><keySig sig="2f"/><meterSig count="3" unit="4"/></scoreDef>
  <measure n="2" right="end">
    <staff n="1"><layer n="1"><note xml:id="g" pname="a" oct="4" dur="1"/></layer></staff>
    <staff n="2"><layer n="1"><tuplet num="3" numbase="2"><note pname="c" oct="3" dur="8"/><note pname="b" oct="2" dur="8"><accid accid="f"/></note><rest dur="8"/></tuplet>
      <clef shape="C" line="4"/><note pname="c" oct="4" dur="2"/></layer></staff>
  </measure>`,
);
