import { mountPage } from '../components/page.tsx';
import { Invitation } from './invitation.tsx';

mountPage(Invitation, 'central');
